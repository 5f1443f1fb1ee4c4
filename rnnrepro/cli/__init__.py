"""The command line: `rnnrepro COMMAND`, one module a command.

A command's module has NAME, HELP, `arguments(parser)` and `run(args) -> int`; heavy imports belong in `run`.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from collections.abc import Sequence

from rnnrepro import environment
from rnnrepro.errors import Fault
from rnnrepro.own_folder import check_caches

COMMANDS = (
    "list",
    "plan",
    "data",
    "train",
    "status",
    "clean",
    "why",
    "check",
    "exhibit",
    "claims",
    "metrics",
    "rerun",
    "verify",
    "page",
    "report",
    "readme",
    "bench",
    "schema",
)


TRAIN = ("train", "rerun")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it went well, 2 for a Fault or what a disk refuses, printed as one `error:`."""
    try:  # around the imports of the commands too: they take a moment, in which one may be interrupted
        _settle(sys.argv[1:] if argv is None else argv)
        args = _parser().parse_args(argv)
        check_caches()
        return args.run(args)
    except Fault as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        print("error: interrupted; the same command goes on from what is done", file=sys.stderr)
        return 128 + signal.SIGINT
    except OSError as error:  # a disk or a folder that fails where no one looks after it
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rnnrepro", description="The reproduction of recurrent-network research."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"rnnrepro.cli.{name}")
        sub = commands.add_parser(
            module.NAME,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.arguments(sub)
        sub.set_defaults(run=module.run)
    return parser


def _settle(words: Sequence[str]) -> None:
    """Before a command that trains imports anything heavy: the environment that its numbers depend on."""
    if words and words[0] in TRAIN and (removed := environment.settle()):
        print(
            f"removed from the environment, for they would make this training's bits others: {', '.join(removed)}",
            file=sys.stderr,
        )
