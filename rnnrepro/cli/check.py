"""Run the conformance table on the models of your own file.

rnnrepro check mymodel.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

NAME, HELP = "check", "hold your own model to the conformance table"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("plugin", type=Path, metavar="FILE.py")


def run(args: argparse.Namespace) -> int:
    """Print every check; 1 if any failed."""
    from rnnrepro import conformance
    from rnnrepro.models import plugins

    failed = 0
    for name in plugins.load(args.plugin).models:
        for check in conformance.check_model(name):
            failed += not check.ok
            print(
                f"{'ok  ' if check.ok else 'FAIL'} {name}: {check.name}{'' if check.ok else f': {check.message}'}"
            )
    print(f"{failed} failed" if failed else "all checks passed")
    return 1 if failed else 0
