"""What the test suites share: real git repositories and real processes, quick to make and easy to read. Knows nothing of headrace."""
