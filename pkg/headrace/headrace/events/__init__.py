"""A repository and what happened to it → an `Event`. "Event" always means a trigger. Never reads workflows.

In: a folder (`detect.open_repository`), the name of an event and what the command line says of it (`EventRequest`). Out: an
`Event` (`build.build_event`) with ref, commit, payload, changed files and actor. The working tree is committed into an
`ObjectStore` of our own; the user's repository is only read.
"""
