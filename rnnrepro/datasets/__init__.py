"""Data sets: pinned files fetched from a mirror or from upstream, and what comes with the dependencies.

This namespace needs the standard library alone; `images` and `texts` read the files into arrays.
"""

from rnnrepro.datasets.fetch import fetch
from rnnrepro.datasets.identity import digest, identity, required
from rnnrepro.datasets.registry import DATASETS, paths
from rnnrepro.datasets.verify import verified

__all__ = ["DATASETS", "digest", "fetch", "identity", "paths", "required", "verified"]
