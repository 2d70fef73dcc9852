"""Whether jobs can be parted from this machine: found out by doing it, explained from the machine's files, remembered."""

WITHOUT = "headrace run --isolation host"
"""What can always be done."""
OTHERWISE = "`headrace doctor` says what this machine allows; --isolation host does without"
"""What to do where jobs should have been parted from the machine, and could not be."""
