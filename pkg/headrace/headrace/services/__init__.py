"""The HTTP face that actions talk to. Every request belongs to a `JobGrant`; none knows the engine."""
