"""Write the results block of README.md from the committed results under reference/.

    rnnrepro readme
    rnnrepro readme --check
    rnnrepro readme --adopt results/small --scale small

The last copies what of a finished scale belongs under reference/ before it writes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rnnrepro.cli.common import project_of, project_options, scale_of, scale_option
from rnnrepro.errors import Fault

NAME, HELP = "readme", "write the results block of README.md from reference/"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--readme", type=Path, default=Path("README.md"), metavar="FILE")
    parser.add_argument("--reference", type=Path, default=Path("reference"), metavar="DIR")
    parser.add_argument(
        "--check", action="store_true", help="compare instead of writing; an error if they differ"
    )
    parser.add_argument(
        "--adopt", type=Path, metavar="RESULTS", help="first copy the results of --scale from here"
    )
    scale_option(parser)
    project_options(parser)


def run(args: argparse.Namespace) -> int:
    """Write the block, or compare it. Raises Fault where it is out of date."""
    from rnnrepro.exhibits import readme, reference
    from rnnrepro.records import atomically

    project = project_of(args)
    if args.adopt:
        written = reference.adopt(project, scale_of(args, project), args.adopt, args.reference)
        print(
            f"{args.reference}: {len(written)} files, {sum(path.stat().st_size for path in written) / 1e6:.1f} MB"
        )
    try:
        before = args.readme.read_text(encoding="utf-8")
    except OSError as error:
        raise Fault(f"{args.readme}: cannot be read ({error.strerror})") from None
    after = readme.replaced(before, readme.block(project, args.reference))
    if args.check:
        if before != after:
            raise Fault(
                f"{args.readme}: its results are not those under {args.reference}; mend with: make readme"
            )
        return 0
    atomically(args.readme, lambda part: part.write_text(after, encoding="utf-8"))
    return 0
