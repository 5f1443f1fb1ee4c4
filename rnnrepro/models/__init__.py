"""Models: rows of `tables.MODELS`, composed of a matrix, a drive and an update."""

from __future__ import annotations

from rnnrepro.models.composition import build, compose, joined
from rnnrepro.models.layer import Layer, make
from rnnrepro.models.network import Network

__all__ = ["Layer", "Network", "build", "compose", "joined", "make"]
