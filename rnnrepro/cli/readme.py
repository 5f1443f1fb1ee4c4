"""Write docs/results.md and the results block of README.md from the committed results under reference/.

    rnnrepro readme
    rnnrepro readme --check
    rnnrepro readme --adopt results/small --scale small

The last copies what of a finished scale belongs under reference/ before it writes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rnnrepro.cli.common import scale_of, scale_options
from rnnrepro.errors import Fault

NAME, HELP = "readme", "write docs/results.md and the results block of README.md from reference/"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--readme", type=Path, default=Path("README.md"), metavar="FILE")
    parser.add_argument("--document", type=Path, default=Path("docs/results.md"), metavar="FILE")
    parser.add_argument("--reference", type=Path, default=Path("reference"), metavar="DIR")
    parser.add_argument(
        "--check", action="store_true", help="compare instead of writing; an error if they differ"
    )
    parser.add_argument(
        "--adopt", type=Path, metavar="RESULTS", help="first copy the results of --scale from here"
    )
    scale_options(parser)


def run(args: argparse.Namespace) -> int:
    """Write both, or compare them. Raises Fault where one is out of date."""
    from rnnrepro.exhibits import readme, reference, results_document
    from rnnrepro.records import atomically

    project, scale = scale_of(args)
    if args.adopt:
        written = reference.adopt(project, scale, args.adopt, args.reference)
        size = sum(path.stat().st_size for path in written) / 1e6
        print(f"{args.reference}: {len(written)} files, {size:.1f} MB")
    after = {
        args.readme: readme.replaced(_text(args.readme), readme.block(project, args.reference)),
        args.document: results_document.text(project, args.reference),
    }
    stale = [path for path in after if not path.exists() or _text(path) != after[path]]
    if args.check and stale:
        raise Fault(f"{stale[0]}: its results are not those under {args.reference}; mend with: make readme")
    for path in stale:
        atomically(path, lambda part, path=path: part.write_text(after[path], encoding="utf-8"))
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Fault(f"{path}: cannot be read ({error.strerror})") from None
