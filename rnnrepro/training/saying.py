"""What a training says goes to its log, and a log that can take no more does not end the training."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def say(text: str) -> None:
    """Print a line to stderr; it is lost where the disk is full, as are the next until there is room."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def end() -> None:
    """Give up what stderr could not take: Python would end with a status of failure for it."""
    try:
        sys.stderr.flush()
    except OSError:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  until the process ends
