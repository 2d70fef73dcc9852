"""`Workflow`s × `Event` → `Plan`: which jobs and legs, in which order, each with its reason. Pure data; never starts anything."""
