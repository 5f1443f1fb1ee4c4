"""What a training says while it runs: a line lost to a full disk ends nothing."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def say(text: str) -> None:
    """Print a line to stderr. Where the log is on a full disk the line is lost, and the training goes on."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _let_go()


def _let_go() -> None:
    """Empty what stderr still holds: Pythons that cannot write it out at their end exit with a status of their own."""
    with suppress(OSError):
        number = sys.stderr.fileno()
        kept = os.dup(number)
        try:
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), number)
            sys.stderr.flush()
        finally:
            os.dup2(kept, number)
            os.close(kept)
