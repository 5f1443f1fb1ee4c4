"""The models that a user puts beside a paper's own, with the setting `compare`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rnnrepro.errors import nearest


def place(experiment: str, arm: str) -> str:
    """What the messages call the model `arm` beside those of `experiment`, as PAPER/EXPERIMENT."""
    return f"compare: {experiment}: {arm}"


def taken(experiment: str, compared: Collection[str], raw: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each compared name that the paper's experiment has itself, at any scale.

    Its settings would be laid over the paper's own, and stand in every table and claim for the paper's model.
    """
    if not compared:
        return
    blocks = [raw, *(block or {} for block in (raw.get("scales") or {}).values())]
    own = {name for block in blocks for name in block.get("models") or {}}
    for name in compared:
        if name in own:
            yield f"{place(experiment, name)}: the paper has a model of this name; name yours {_free(name, own)!r}"


def _free(name: str, own: Collection[str]) -> str:
    slices = ("mine", *(f"mine{number}" for number in range(2, len(own) + 3)))
    return next(free for part in slices if (free := f"{name.split('.')[0]}.{part}") not in own)


def unknown(compared: Collection[str], experiments: Collection[str]) -> Iterator[str]:
    """A sentence for each experiment beside which something is to stand, and which there is not."""
    for one in compared:
        if one not in experiments:
            yield f"compare: unknown experiment {one!r}{nearest(one, experiments)}"
