"""One leg → records and a result: resolve each step, run it in the sandbox, take in what it says. Knows no other jobs."""
