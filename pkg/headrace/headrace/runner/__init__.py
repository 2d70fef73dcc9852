"""One leg → records and a result."""
