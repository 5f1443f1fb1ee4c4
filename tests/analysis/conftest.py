"""Small tasks and networks in double precision."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from rnnrepro import models, tasks


def network(name, task, seeds, hidden=8, dtype=torch.float64, **arguments):
    """A network for `task`, one run for each of `seeds`."""
    return models.build(
        name,
        input_size=task.input_size,
        hidden_size=hidden,
        output_size=task.output_size,
        index_inputs=task.index_inputs,
        readout_every=task.readout_every,
        arguments=arguments,
        dtype=dtype,
        generators=[torch.Generator().manual_seed(seed) for seed in seeds],
    )


def adding(seeds):
    """Numbers in, one number out at the end."""
    return tasks.build("adding", {"length": 12}, seeds=seeds, batch=3)


def copying(seeds):
    """Six symbols in, classes out at every step."""
    settings = {"symbols": 3, "alphabet": 4, "blanks_before_cue": 5, "blanks_after_cue": 3}
    return tasks.build("copying", settings, seeds=seeds, batch=5)


@pytest.fixture
def make():
    """`make.network`, `make.adding` and `make.copying`."""
    return SimpleNamespace(network=network, adding=adding, copying=copying)
