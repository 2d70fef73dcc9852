"""From `uses:` to something that runs: metadata, native drop-ins, interpreters. Schedules nothing."""
