"""`Plan` → records: `decide` says what comes next and is pure, an `Executor` starts tickets. Prints nothing."""
