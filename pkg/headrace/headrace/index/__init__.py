"""A package index that answers as PyPI does: simple pages, uploads with PyPI's refusals, and trusted publishing.

In: HTTP requests of pip, uv and twine, and publisher records from the command line. Out: files and records in one folder, which
any number of servers and commands may use at once, and which is whole after a crash. It never trusts a client, keeps no token
(only its hash), and writes no token into a log.

`app` has the routes. An upload goes through `upload` (the order of the checks), `form`, `fields`, `filenames`, `archives`, `zips`
and `attestations`; a token through `exchange`, `issuers` (is it genuine?), `matching` (whose is it?) and `tokens`. `shelf` and
`publishers` keep the records, `simple` and `pages` show them, `serve` listens and `authority` makes the certificates.
"""
