"""Run the conformance table on the models of your own file.

rnnrepro check mymodel.py
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnrepro.conformance import Check

NAME, HELP = "check", "hold your own model to the conformance table"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("plugin", type=Path, metavar="FILE.py")


def run(args: argparse.Namespace) -> int:
    """Print every check; 1 if any failed."""
    from rnnrepro import conformance
    from rnnrepro.models import plugins

    checks = []
    for name in plugins.load(args.plugin).models:
        for check in conformance.check_model(name):
            checks.append(check)
            print(_line(name, check))
    failed = sum(not check.ok for check in checks)
    rest = sum(not check.applies for check in checks)
    whole = f"all checks passed{f' but {rest} that do not apply' if rest else ''}"
    print(f"{failed} failed" if failed else whole)
    return 1 if failed else 0


def _line(model: str, check: Check) -> str:
    if not check.applies:
        return f"–    {model}: {check.name}: not applicable: {check.message}"
    return f"ok   {model}: {check.name}" if check.ok else f"FAIL {model}: {check.name}: {check.message}"
