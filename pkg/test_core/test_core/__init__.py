"""What the test suites share: real git repositories and real processes. Only `legs` knows headrace."""
