"""Time the scan and its peers in one process: ratios with their spread, the floor and the targets.

    rnnrepro bench
    rnnrepro bench 'scan/lstm/*' --seconds 10
    rnnrepro bench --list
    rnnrepro bench --adopt results/bench

Cases are named group/what/sizes, the sizes as runs × batch × hidden × time. The last form keeps a finished bench as
the reference of its device and writes the numbers of docs/engine.md from it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rnnrepro.errors import Fault

NAME, HELP = "bench", "time the scan and its peers"
SECONDS = 2.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("only", nargs="*", metavar="CASE", help="names or patterns; default: all cases")
    parser.add_argument(
        "--only", dest="patterns", action="append", default=[], metavar="PATTERN", help="the same"
    )
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, metavar="S",
        help=f"time of a case after its warm-up, three rounds at least (default {SECONDS:g})",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it works, not how fast")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--compile",
        action="store_true",
        help="torch.compile among the peers (needs a compiler; slow to start)",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("results/bench"), metavar="DIR",
        help="folder of bench.parquet and bench.json",
    )  # fmt: skip
    parser.add_argument("--reference", type=Path, default=Path("reference/bench"), metavar="DIR")
    parser.add_argument("--docs", type=Path, default=Path("docs/engine.md"), metavar="FILE")
    parser.add_argument("--adopt", type=Path, metavar="DIR", help="keep the bench of DIR as a reference")
    parser.add_argument(
        "--write-docs", action="store_true", help="only write the numbers of --docs from --reference"
    )


def run(args: argparse.Namespace) -> int:
    """Measure, print and store; or adopt what was stored."""
    if args.adopt or args.write_docs:
        return _keep(args)
    if not args.seconds >= 0:
        raise Fault(f"--seconds takes a time of 0 or more, not {args.seconds:g}")
    from rnnrepro.bench import run as bench

    chosen = bench.selected([*args.only, *args.patterns])
    if args.list:
        print("\n".join(case.name for case in chosen))
        return 0
    return _measure(args, chosen)


def _measure(args: argparse.Namespace, chosen: list) -> int:
    import torch

    from rnnrepro.bench import run as bench
    from rnnrepro.bench import store, words
    from rnnrepro.bench.case import Setting

    if args.device == "cuda" and not torch.cuda.is_available():
        raise Fault("--device cuda: PyTorch finds no CUDA device here; use --device cpu")
    _writable(args.output)
    device = args.device if args.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    found = bench.bench(
        chosen,
        Setting(device, compiled=args.compile, quick=args.quick),
        seconds=args.seconds,
        only=[*args.only, *args.patterns],
        begin=lambda machine: print(words.head(machine), flush=True),
        say=lambda rows: print(words.case(rows), flush=True),
    )
    print(*words.ends(found), sep="\n")
    written = store.write(args.output / store.NAME, found)
    print(*written, sep="\n")
    return 0


def _writable(folder: Path) -> None:
    """Make the folder now: a bench should not be lost after it has been measured. Raises Fault."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Fault(f"{folder}: cannot be made ({error.strerror}); name another with --output") from None


def _keep(args: argparse.Namespace) -> int:
    from rnnrepro.bench import store
    from rnnrepro.exhibits import bench_docs

    if args.adopt:
        print(store.adopt(args.adopt, args.reference))
    print(bench_docs.refresh(args.docs, store.kept(args.reference)))
    return 0
