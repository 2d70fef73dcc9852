"""What happened, as typed records in one stream: the journal, the terminal, JSON and every other face read nothing else.
`fold` is the only source of results. Decides nothing."""
