"""Optimisers with a run axis, learning-rate schedules and gradient clipping."""

from rnnrepro.optim.optimiser import Optimiser

__all__ = ["Optimiser"]
