"""`python -m headrace.services`: the services as a process of their own."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext

from headrace.base.errors import EngineError, HeadraceError
from headrace.services.serve import inherited, listen, serve


def main(argv: list[str] | None = None) -> int:
    what = "Serve artifacts and caches to the actions of a job, on loopback."
    parser = argparse.ArgumentParser("headrace.services", description=what)
    parser.add_argument("--store", required=True, metavar="DIR", help="folder of the artifacts; made where it is missing")
    parser.add_argument("--caches", default="", metavar="DIR", help="folder of the caches (default: caches in --store)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="loopback address (default: any free port)")
    where.add_argument("--fd", type=int, metavar="N", help="a listening socket inherited as descriptor N")
    parser.add_argument("--key-file", required=True, metavar="FILE", help="what runtime tokens are signed with")
    parser.add_argument("--git", metavar="OWNER/NAME=DIR", help="a repository to serve for reading")
    parser.add_argument("--server", default="https://github.com", metavar="URL", help="where all other repositories are")
    parser.add_argument("--index", metavar="DIR", help="folder of a run's indexes")
    parser.add_argument("--index-fd", type=int, metavar="N", help="where they listen: a socket inherited as descriptor N")
    parser.add_argument("--log", metavar="FILE", help="errors, and with DEV_SERVER_LOGS=1 requests (default: stderr)")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input ends")
    options = parser.parse_args(argv)
    try:
        listening = listen(options.listen) if options.fd is None else inherited(options.fd)
        with listening:
            key = _key(options.key_file)
            with open(options.log, "a", encoding="utf-8") if options.log else nullcontext() as log:
                name, _, folder = (options.git or "").partition("=")
                serve(
                    options.store, key, listening, caches=options.caches, log=log, until_eof=0 if options.until_eof else None,
                    repositories={name.lower(): folder} if folder else {}, server=options.server,
                    index=(options.index, inherited(options.index_fd)) if options.index else None,
                )  # fmt: skip
    except HeadraceError as error:
        sys.stderr.write(f"{error}\n")
        return error.status
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return EngineError.status
    return 0


def _key(path: str) -> bytes:
    with open(path, "rb") as file:
        key = file.read().strip()
    if len(key) < 16:
        raise EngineError(f"the key in {path} is shorter than 16 bytes")
    return key


if __name__ == "__main__":
    sys.exit(main())
