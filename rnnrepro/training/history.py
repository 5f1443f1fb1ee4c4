"""What a run has measured so far: curves of scalars and a few arrays, as rows and as tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

Row = tuple[int, str, str, int, float]


class History:
    """Curves (split, metric) -> steps and values, and arrays (step, metric) -> values of one run."""

    def __init__(self) -> None:
        self._curves: dict[tuple[str, str], tuple[list[int], list[float]]] = {}
        self._arrays: dict[tuple[int, str], np.ndarray] = {}

    def add(self, step: int, split: str, metric: str, value: float) -> None:
        """Append one measurement."""
        steps, values = self._curves.setdefault((split, metric), ([], []))
        steps.append(step)
        values.append(float(value))

    def add_array(self, step: int, metric: str, values: np.ndarray) -> None:
        """Keep an analysis' array; it becomes rows of the split `analysis`, one an index."""
        self._arrays[step, metric] = np.asarray(values, np.float64).reshape(-1)

    def curve(self, split: str, metric: str) -> list[tuple[int, float]]:
        """The (step, value) pairs of one curve, in order."""
        return list(zip(*self._curves.get((split, metric), ([], [])), strict=True))

    def rows(self) -> Iterator[Row]:
        """All that was measured, in an order that depends on nothing but what was measured."""
        for (split, metric), (steps, values) in sorted(self._curves.items()):
            for step, value in zip(steps, values, strict=True):
                yield step, split, metric, 0, value
        for (step, metric), array in sorted(self._arrays.items()):
            for index, value in enumerate(array):
                yield step, "analysis", metric, index, float(value)

    def state(self) -> dict[str, Tensor]:
        """Tensors for a checkpoint."""
        found = {}
        for (split, metric), (steps, values) in self._curves.items():
            found[f"curve/{split}/{metric}/step"] = torch.tensor(steps, dtype=torch.int64)
            found[f"curve/{split}/{metric}/value"] = torch.tensor(values, dtype=torch.float64)
        for (step, metric), array in self._arrays.items():
            found[f"array/{step}/{metric}"] = torch.from_numpy(array.copy())
        return found

    @classmethod
    def restored(cls, state: Mapping[str, Tensor]) -> History:
        """The history that `state` was taken of."""
        history = cls()
        for key, tensor in state.items():
            kind, first, second, *rest = key.split("/")
            if kind == "array":
                history._arrays[int(first), second] = tensor.numpy().copy()
            elif rest == ["step"]:
                values = state[f"curve/{first}/{second}/value"].tolist()
                history._curves[first, second] = (tensor.tolist(), values)
        return history
