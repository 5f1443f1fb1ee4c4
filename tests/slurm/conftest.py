"""Clusters for the scenarios, which lie side by side where they may, and the table of what happened."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from .cluster import Cluster
from .lab import STEPS, Lab
from .scenarios import SCENARIOS, TARGET, Expected, Scenario

# Scenarios at work at a time: each has a pipeline and a job or two, and many of them mostly wait.
AT_ONCE = 4
TABLE: list[tuple[str, str, str, float]] = []


def future(run: Callable[[], object]) -> Future:
    """What `run` gives, worked out in a thread that nothing waits for when the suite is interrupted."""
    found: Future = Future()

    def work() -> None:
        try:
            found.set_result(run())
        except BaseException as error:  # it belongs to the test that asks for the result
            found.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return found


class Stage:
    """Runs the chosen scenarios on the cluster that each needs; a scenario's outcome is asked for by name."""

    def __init__(self, place: Path, chosen: list[Scenario]) -> None:
        self.place, self.chosen = place, chosen
        self.outcomes: dict[str, Future] = {}
        self.cluster: Cluster | None = None
        self.slots = threading.Semaphore(AT_ONCE)
        self.expected = future(self._expected)

    def outcome(self, scenario: Scenario) -> str:
        """What happened in a scenario. Raises what it raised."""
        if scenario.name not in self.outcomes:
            self._begin(scenario)
        return self.outcomes[scenario.name].result()

    def close(self) -> None:
        """Stop the cluster."""
        if self.cluster is not None:
            self.cluster.__exit__()
            self.cluster = None

    def _begin(self, first: Scenario) -> None:
        if self.cluster is None or self.cluster.accounting != first.accounting:
            self.close()
            self.cluster = Cluster(accounting=first.accounting).__enter__()
        same = [first]
        if not first.alone:
            same = [s for s in self.chosen if not s.alone and s.accounting == first.accounting]
        for scenario in same:
            self.outcomes[scenario.name] = future(lambda scenario=scenario: self._run(scenario))

    def _run(self, scenario: Scenario) -> str:
        assert self.cluster is not None
        expected = self.expected.result()
        place = self.place / str(SCENARIOS.index(scenario))
        with self.slots:
            began, outcome, said = time.monotonic(), "failed", "see above"
            try:
                said = scenario.run(self.cluster, place, expected)
                outcome = "same rows as a local run"
                return said
            finally:
                TABLE.append((scenario.name, said, outcome, time.monotonic() - began))

    def _expected(self) -> Expected:
        long = Lab(self.place / "long", cluster=None, steps=STEPS)
        tiny = Lab(self.place / "tiny", cluster=None)
        pipelines = [long.launch(TARGET), tiny.launch("results/quick/metrics.parquet")]
        for pipeline in pipelines:
            pipeline.end()
        return Expected(long.rows(), tiny.all_rows())


@pytest.fixture(scope="session")
def stage(request, tmp_path_factory):
    """The stage of the scenarios that this session has chosen."""
    items = request.session.items
    chosen = [
        item.callspec.params["scenario"] for item in items if "scenario" in getattr(item, "fixturenames", ())
    ]
    stage = Stage(tmp_path_factory.mktemp("scenarios"), chosen)
    yield stage
    stage.close()


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what happened in each scenario."""
    if not TABLE:
        return
    order = [scenario.name for scenario in SCENARIOS]
    rows = sorted(TABLE, key=lambda row: order.index(row[0]))
    width = max(len(name) for name in order)
    terminalreporter.section("what happened on SLURM")
    for name, said, outcome, seconds in rows:
        terminalreporter.write_line(f"{name:{width}} | {said} | {outcome} | {seconds:.0f} s")
