"""How far a scale is: what is done, at work, failed or left, and about how long the rest will take.

    rnnrepro status
    rnnrepro status --scale paper --watch 30
    rnnrepro status --json

Reads the results, state and logs of a pipeline at work, of one that was stopped or killed, or of none, on this
machine or on a SLURM cluster. Changes nothing and disturbs no training.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

from rnnrepro import plan
from rnnrepro.cli.common import place_of, place_options
from rnnrepro.cli.numbers import positive

NAME, HELP = "status", "how far a scale is, at work or not"
_SECONDS = 10.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--watch",
        nargs="?",
        type=positive,
        const=_SECONDS,
        metavar="SECONDS",
        help=f"look again every so many seconds (default {_SECONDS:.0f}), until Ctrl-C",
    )
    parser.add_argument("--json", action="store_true", help="as JSON, one object a look")
    place_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the page, once or again and again."""
    from rnnrepro.watching import as_json, words
    from rnnrepro.watching.page import page

    project, scale, place = place_of(args)
    cells = plan.cells(project, scale)
    live = sys.stdout.isatty()
    paint = words.painted if live and "NO_COLOR" not in os.environ else words.plain
    try:
        while True:
            found = page(project, scale, cells, place)
            said = json.dumps(as_json.of(found)) if args.json else words.text(found, paint)
            print("\033[H\033[2J" * (live and args.watch is not None and not args.json) + said, flush=True)
            if args.watch is None:
                return 0
            time.sleep(max(1.0, args.watch))
    except KeyboardInterrupt:
        return 0
