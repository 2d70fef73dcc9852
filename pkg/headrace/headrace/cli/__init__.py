"""The command line: one file per verb, loaded when it is called; exit statuses. No logic of its own.

A verb's module has one name that others use, `command`, a click command. What `run` and `plan` share stands in `options`;
defaults from the environment and from pyproject.toml come from `config`.
"""
