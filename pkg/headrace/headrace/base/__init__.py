"""What every other room may use: positions and errors, atomic files, git, state paths, the clock. Knows nothing of CI."""
