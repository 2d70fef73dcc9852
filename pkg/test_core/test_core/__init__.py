"""What the test suites share: real git repositories and real processes. Knows nothing of headrace."""
