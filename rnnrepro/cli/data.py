"""Fetch data sets: from a mirror folder if one is named, else from upstream; every file checked against its checksum.

Of a licensed data set, whose folder `corpora` in config.yaml names, nothing is fetched: it is looked through.

rnnrepro data list
rnnrepro data fetch mnist ptb_char
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rnnrepro.cli.common import project_of, project_options, show_download
from rnnrepro.project import mirror_of

NAME, HELP = "data", "list or fetch data sets"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("list", "fetch"))
    parser.add_argument("datasets", nargs="*", metavar="DATASET", help="default: all that upstream has")
    parser.add_argument("--mirror", type=Path, help="folder read before any download (or RNNREPRO_MIRROR)")
    parser.add_argument("--stamp", type=Path, help="file to write when all is there: the checksums")
    project_options(parser)


def run(args: argparse.Namespace) -> int:
    """List or fetch."""
    from rnnrepro.datasets.registry import DATASETS

    if args.action == "list":
        for name, entry in DATASETS.items():
            size = sum(file.bytes for file in entry.files) / 1e6
            whence = "yours: see `corpora`" if entry.supplied_by_user else "comes with a dependency"
            print(f"{name:14s} {f'{size:6.1f} MB' if entry.files else whence:24s} {entry.about}")
        return 0
    return _fetch(args, args.datasets or [n for n, e in DATASETS.items() if any(f.url for f in e.files)])


def _fetch(args: argparse.Namespace, names: list[str]) -> int:
    from rnnrepro import records
    from rnnrepro.datasets.fetch import fetch
    from rnnrepro.datasets.provenance import digest
    from rnnrepro.datasets.registry import row

    project = project_of(args)
    mirror = args.mirror or mirror_of(project.user)
    for name in names:
        if row(name).supplied_by_user:
            _look_through(name, project.user.corpora)
            continue
        fetch(name, Path(project.user.data), mirror=mirror, progress=show_download)
        print(f"{name}: complete in {Path(project.user.data)}")
    if args.stamp:
        corpora = project.user.corpora
        lines = [f"{sha}  {file}\n" for name in names for file, sha in sorted(digest(name, corpora).items())]
        records.atomically(args.stamp, lambda part: part.write_text("".join(lines)))
    return 0


def _look_through(name: str, corpora: dict[str, str]) -> None:
    """Say that a licensed data set is complete where the user has it. Raises Fault, saying what is missing."""
    from rnnrepro.datasets import speech

    splits = speech.load(name, None, corpora, drop_sa="substring").splits
    counts = ", ".join(f"{len(found):,} of {split}" for split, found in splits.items())
    print(f"{name}: complete in {corpora[name]}: {counts} utterances")
