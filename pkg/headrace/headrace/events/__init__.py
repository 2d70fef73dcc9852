"""A repository and what happened to it → an `Event`. "Event" always means a trigger. Never reads workflows."""
