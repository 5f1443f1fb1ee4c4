"""All that changes while a stack of runs is trained, in one place: sliced by run, saved, restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from rnnrepro import models, streams, tables, tasks
from rnnrepro.errors import Fault
from rnnrepro.models.network import Network
from rnnrepro.optim.optimiser import Optimiser
from rnnrepro.scan import chosen
from rnnrepro.tasks.base import Task
from rnnrepro.training.averaging import Averages
from rnnrepro.training.history import History
from rnnrepro.training.stage import Stage


@dataclass
class TrainState:
    """S runs in training; `names` tells them apart. They are at `stages[at]`, the first of which is an experiment's own
    training and the others its later phases; `step` counts on through all of them.

    `carried`: the detached state, (S, B, N) tensors, of tasks that carry it, or None. `averages`: the means of the
    weights, where they are averaged. `backends`: the forms of the
    scan that each run has been trained with, joined by +.

    There is no generator here: batches, orders and initial values are pure functions of (settings, seed, step).
    """

    settings: list[dict[str, Any]]
    names: list[str]
    stages: list[Stage]
    network: Network
    optimiser: Optimiser
    histories: list[History]
    backends: list[str]
    at: int = 0
    step: int = 0
    carried: tuple[Tensor, ...] | None = None
    averages: Averages | None = None

    @property
    def common(self) -> dict[str, Any]:
        """The settings that the runs share (all but seed, rates and what is per run)."""
        return self.settings[0]

    @property
    def stage(self) -> Stage:
        """The stage that the runs are at."""
        return self.stages[self.at]

    @property
    def task(self) -> Task:
        """What is learned now."""
        return self.stage.task

    @property
    def training(self) -> dict[str, Any]:
        """The shared training settings of this stage."""
        return self.stage.training

    @property
    def own_step(self) -> int:
        """How many steps of this stage are made."""
        return self.step - self.stage.first

    @property
    def recording(self) -> bool:
        """Whether the training metrics of the step that is being made are kept."""
        step = self.own_step + 1
        return step % self.training["record_every"] == 0 or step == self.training["steps"]

    @property
    def steps(self) -> int:
        """The steps of all stages together."""
        return self.stages[-1].last

    def go_on(self) -> None:
        """On to the next stage where this one is done: its runs start from the first state again."""
        if self.step == self.stage.last:
            self.at, self.carried = self.at + 1, None

    def take(self, keep: Sequence[int]) -> None:
        """Go on with the runs at the positions `keep` alone."""
        rows = list(keep)
        self.settings = [self.settings[i] for i in rows]
        self.names = [self.names[i] for i in rows]
        self.histories = [self.histories[i] for i in rows]
        self.backends = [self.backends[i] for i in rows]
        self.stages = [replace(stage, task=stage.task.take(rows)) for stage in self.stages]
        self.network = self.network.take(rows)
        self.optimiser = self.optimiser.take(rows, self.network.trained(), self.network.retractions())
        if self.carried is not None:
            self.carried = tuple(tensor[rows] for tensor in self.carried)
        if self.averages is not None:
            self.averages = self.averages.take(rows)

    def shown(self) -> AbstractContextManager[None]:
        """Within, the network is as it is to be evaluated: with the means of its weights, where there are any."""
        return nullcontext() if self.averages is None else self.averages.shown(self.network)

    def of_run(self, i: int) -> dict[str, Any]:
        """Everything of run `i` as tensors on the CPU, for a checkpoint."""
        rows = slice(i, i + 1)
        return {
            "step": self.step,
            "backend": self.backends[i],
            "network": {k: v[rows].cpu().clone() for k, v in self.network.state_dict().items()},
            "optimiser": {k: v[rows].cpu() for k, v in self.optimiser.state().items()},
            "carried": [v[rows].cpu().clone() for v in self.carried or ()],
            "averages": {k: v[rows].cpu().clone() for k, v in self._averages().items()},
            "history": self.histories[i].state(),
        }

    def restore(self, runs: Sequence[Mapping[str, Any]]) -> None:
        """Continue from the checkpoints of every run, all at the same step."""
        device = self.task.device
        self.step = runs[0]["step"]
        self.at = next(i for i, stage in enumerate(self.stages) if self.step <= stage.last)
        self.network.load_state_dict(_joined([run["network"] for run in runs], device))
        self.optimiser.load(_joined([run["optimiser"] for run in runs], device))
        parts = zip(*(run["carried"] for run in runs), strict=True)
        self.carried = tuple(torch.cat(part).to(device) for part in parts) or None
        if self.averages is not None:
            self.averages.load(_joined([run["averages"] for run in runs], device))
        self.histories = [History.restored(run["history"]) for run in runs]
        self.backends = [
            "+".join(sorted({now, *run.get("backend", "plain").split("+")}))  # earlier code knew no other
            for now, run in zip(self.backends, runs, strict=True)
        ]

    def _averages(self) -> dict[str, Tensor]:
        return {} if self.averages is None else self.averages.state()


def _joined(parts: Sequence[Mapping[str, Tensor]], device: torch.device) -> dict[str, Tensor]:
    return {key: torch.cat([part[key] for part in parts]).to(device) for key in parts[0]}


def begin(
    settings: Sequence[dict[str, Any]],
    names: Sequence[str],
    *,
    data: Path | None,
    device: torch.device,
    backend: str = "auto",
    corpora: Mapping[str, str] | None = None,
) -> TrainState:
    """A fresh state for runs whose settings differ in seed, rates and what is per run only.

    Raises Fault for a `backend` that is unknown or that the device cannot run (`rnnrepro.scan.chosen`), and for
    penalties or averages that the task or the model cannot have.
    """
    common, training = settings[0], settings[0]["training"]
    seeds = [run["seed"] for run in settings]
    where = {"data": data, "device": device, "corpora": corpora}
    stages = _stages(common, seeds, where)
    task = stages[0].task
    if training["temporal_penalty"] and not task.readout_every:
        raise Fault(
            "temporal_penalty needs a task that reads every step, and this one reads the last; set it to 0"
        )
    network = models.compose(
        models.joined([run["model"] for run in settings]),
        input_size=task.input_size,
        output_size=task.output_size,
        index_inputs=task.index_inputs,
        readout_every=task.readout_every,
        generators=[torch.Generator().manual_seed(streams.seed("parameters", seed)) for seed in seeds],
    ).to(device)
    network.use(backend)
    for stage in stages:
        stage.rule.prepare(network, stage.task, seeds)
    return TrainState(
        settings=list(settings),
        names=list(names),
        stages=stages,
        network=network,
        optimiser=optimiser_of(network, settings, device),
        histories=[History() for _ in seeds],
        backends=[_chosen(network)] * len(seeds),
        averages=None if training["averaging"] == "none" else Averages(network, training["averaging_window"]),
    )


def _stages(common: dict[str, Any], seeds: Sequence[int], where: Mapping[str, Any]) -> list[Stage]:
    """An experiment's own training and its later phases, each for one run a seed."""
    training, found, first = common["training"], [], 0
    own = {"task": common["task"], "rule": {"kind": common["model"]["rule"]["kind"]}}
    for phase in (own, *common.get("phases", ())):
        rule = phase["rule"] or own["rule"]
        arguments = {name: value for name, value in rule.items() if name != "kind"}
        settings = {**training, **{name: phase[name] for name in phase if name in training}}
        task = {name: value for name, value in phase["task"].items() if name != "kind"}
        built = tasks.build(phase["task"]["kind"], task, seeds=seeds, batch=training["batch"], **where)
        found.append(Stage(built, tables.load("rule", rule["kind"])(**arguments), settings, first))
        first = found[-1].last
    return found


@torch.no_grad()
def _chosen(network: Network) -> str:
    part = network.recurrence
    return chosen(part.backend, part.rule, part.matrix.build())


def optimiser_of(network: Network, settings: Sequence[dict[str, Any]], device: torch.device) -> Optimiser:
    """The optimiser with each group's form, and each run's rates as (S,) tensors.

    Groups of the network without settings of their own follow `main`.
    """
    common = settings[0]["optimiser"]
    groups = network.parameter_groups()
    names = [*common, *sorted(set(groups.values()) - set(common))]
    forms, rates = {}, {}
    for name in names:
        source = name if name in common else "main"
        rest = {k: v for k, v in common[source].items() if k not in ("kind", "rate")}
        forms[name] = SimpleNamespace(kind=common[source]["kind"], arguments=rest)
        rates[name] = torch.tensor([s["optimiser"][source]["rate"] for s in settings], device=device)
    return Optimiser(network.trained(), groups, forms, rates, network.retractions())
