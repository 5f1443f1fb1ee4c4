"""One thread, as every training job has: the promise of equal bits in any stack holds for one thread."""

from __future__ import annotations

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Each test begins with one thread, whatever the one before has left."""
    torch.set_num_threads(1)
