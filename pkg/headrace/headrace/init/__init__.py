"""A repository of Python packages → the described system in it: what is found out about it, and what is written into it."""
