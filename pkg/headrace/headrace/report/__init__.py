"""Plans and records in, words out: tables, plain lines, a live terminal view, summaries and JSON.

What headrace says to a person is said here and nowhere else; GitHub's own fixed texts stand in the rooms that raise them. Nothing
here decides an exit status, starts anything or knows the command line. Everything about a run is read from its records through
`fold`, and log text from the leg's log file by byte range.
"""
