"""Clusters for the scenarios, which lie side by side where they may, and the table of what happened."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest

from .cluster import Cluster
from .lab import STEPS, Lab
from .scenarios import SCENARIOS, TARGET, Expected, Scenario

# Scenarios at work at a time: each has a pipeline and a job or two, and they mostly wait for SLURM to be asked again.
AT_ONCE = 6
TABLE: list[tuple[str, str, str, float]] = []


def settle(future: Future, run: Callable[[], object]) -> None:
    """Give `future` what `run` returns or raises."""
    try:
        future.set_result(run())
    except BaseException as error:  # it belongs to the test that asks for the result
        future.set_exception(error)


class Stage:
    """Runs the chosen scenarios on the cluster that each needs; a scenario's outcome is asked for by name."""

    def __init__(self, place: Path, chosen: list[Scenario]) -> None:
        self.place, self.chosen = place, chosen
        self.outcomes: dict[str, Future] = {}
        self.cluster: Cluster | None = None
        self.expected: Future = Future()
        # In threads that nothing waits for when the suite is interrupted.
        threading.Thread(target=settle, args=(self.expected, self._expected), daemon=True).start()

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
        waiting: SimpleQueue[Scenario] = SimpleQueue()
        for scenario in same:  # in the order of the table, the longest first
            self.outcomes[scenario.name] = Future()
            waiting.put(scenario)
        for _ in range(AT_ONCE):
            threading.Thread(target=self._work, args=(waiting,), daemon=True).start()

    def _work(self, waiting: SimpleQueue[Scenario]) -> None:
        with suppress(Empty):
            while True:
                scenario = waiting.get_nowait()
                settle(self.outcomes[scenario.name], lambda scenario=scenario: self._run(scenario))

    def _run(self, scenario: Scenario) -> str:
        assert self.cluster is not None
        expected = self.expected.result()
        place = self.place / str(SCENARIOS.index(scenario))
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
