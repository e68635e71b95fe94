"""`python -m crisiscomms.embedded`: the site on this machine, or one command with services of its own."""

import argparse
import sys
from pathlib import Path

from crisiscomms.embedded import inbox, serve, temporary
from crisiscomms.embedded.processes import LOCAL, ServiceError
from crisiscomms.embedded.supervisor import AlreadyRunning


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        code: int = options.do(options)
    except AlreadyRunning as running:
        print(f"Already running here: {running}. Stop that one first.", file=sys.stderr)
        return 1
    except ServiceError as error:
        print(error, file=sys.stderr)
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m crisiscomms.embedded", description=__doc__)
    commands = parser.add_subparsers(required=True)
    server = commands.add_parser("serve", help="PostgreSQL, Redis, web, workers, beat and a mail inbox, until Ctrl-C")
    server.add_argument("--empty", action="store_true", help="do not load the demo into an empty database")
    server.set_defaults(do=lambda options: serve.serve(LOCAL, empty=options.empty))
    run = commands.add_parser("run", help="one command with a private PostgreSQL and Redis")
    run.add_argument("--fast", action="store_true", help="give up durability: for tests and benchmarks")
    run.add_argument("command", nargs="+", metavar="COMMAND")
    run.set_defaults(do=lambda options: temporary.run(options.command, fast=options.fast))
    manage = commands.add_parser("manage", help="manage.py on the local site", add_help=False)
    manage.add_argument("arguments", nargs=argparse.REMAINDER)
    manage.set_defaults(do=lambda options: temporary.manage(options.arguments, LOCAL))
    mails = commands.add_parser("inbox", help="only the local mail inbox")
    mails.add_argument("folder", type=Path)
    mails.add_argument("port", type=int)
    mails.set_defaults(do=lambda options: inbox.run(options.folder, options.port))
    return parser


if __name__ == "__main__":
    sys.exit(main())
