"""The scan on a GPU, generated from the stages of an update in Triton."""

from __future__ import annotations

from rnnrepro.scan.gpu.scan import scan

__all__ = ["scan"]
