"""Where a job's processes live. In: a program with its environment and folders. Out: its exit, and nothing left behind.

A small single-threaded *zygote* is forked at start; it forks one *supervisor* a leg, and that opens a sandbox, in which an
*init* spawns the steps. The end of file on the socket above ends everything below it. Knows nothing of steps or workflows.
"""
