"""Containers, through an engine that is on the machine: podman or docker.

A `ContainerEngine` makes command lines and reads what they print; nothing of it is a daemon of ours. The commands run in a
*keeper*, beside the process tree of the run, and it removes what a leg has made whatever ends the leg.
"""
