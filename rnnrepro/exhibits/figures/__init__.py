"""The figures: one module a kind, each with `draw(view) -> Drawn`."""

from __future__ import annotations
