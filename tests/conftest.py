"""One thread, as every training job has: the promise of equal bits in any stack holds for one thread."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
