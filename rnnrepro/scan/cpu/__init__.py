"""The scan compiled for the processor: a BLAS call a step, everything else of the step in one loop."""

from __future__ import annotations

from rnnrepro.scan.cpu import memory
from rnnrepro.scan.cpu.scan import scan

__all__ = ["scan"]

memory.keep()
