"""List what nothing needs any more, with its size, and remove it only when told to.

    rnnrepro clean
    rnnrepro clean --scale small --yes

Results stay, as does the state of every run of the present plan, of every run that a results file was made from, and
of what is being trained now. Give the same --set as the pipeline had, or its additional runs are of no present plan.
"""

from __future__ import annotations

import argparse

from rnnrepro import plan
from rnnrepro.cli.common import place_of, place_options
from rnnrepro.cli.numbers import not_negative
from rnnrepro.own_folder import cache_folder

NAME, HELP = "clean", "what nothing needs any more; removed with --yes"
_DAYS = 7.0
_MOST = 5


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--days",
        type=not_negative,
        default=_DAYS,
        help=f"state, progress and logs touched in so many days stay, needed or not (default {_DAYS:.0f})",
    )
    parser.add_argument("--all", action="store_true", help="name every file, not the first few of a kind")
    parser.add_argument("--yes", action="store_true", help="remove what is listed")
    place_options(parser)


def run(args: argparse.Namespace) -> int:
    """List, and remove where that is asked for."""
    from rnnrepro.watching import compiled
    from rnnrepro.watching.folder import follows
    from rnnrepro.watching.leftovers import KINDS, by_kind, leftovers
    from rnnrepro.watching.removal import remove
    from rnnrepro.watching.say import size

    project, scale, place = place_of(args)
    cells = plan.cells(project, scale, list(project.papers))
    cache = cache_folder()
    found = leftovers(cells, place, follow=follows(project, scale), days=args.days)
    found.found += compiled.others(cache)
    for kind, those in by_kind(found.found).items():
        print(f"{KINDS[kind]}: {len(those)}, {size(sum(one.bytes for one in those))}")
        shown = those if args.all else those[:_MOST]
        for one in shown:
            print(f"  {size(one.bytes):>7s}  {one.path}")
        if len(those) > len(shown):
            print(f"  and {len(those) - len(shown)} more (--all names them)")
    for sentence in found.said:
        print(f"note: {sentence}")
    if not found.found:
        print(f"Scale {scale}: nothing to remove.")
    elif args.yes:
        print(f"Removed: {size(remove(found.found, print, cache))} are free.")
    else:
        print(f"{size(found.bytes)} in all. Nothing has been removed; to remove it, add --yes")
    return 0
