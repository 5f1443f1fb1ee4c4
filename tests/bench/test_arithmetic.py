"""Medians, ratios, floors and targets of invented samples, and how samples are taken."""

from __future__ import annotations

import gc
import time

import numpy as np
import pytest
import torch

from rnnrepro.bench import floors, run, summary, targets, timing
from rnnrepro.bench.case import Setting
from rnnrepro.bench.sizes import Sizes
from rnnrepro.bench.timing import Contender


def nothing() -> None:
    """Work that takes no time."""


def contenders() -> list[Contender]:
    return [
        Contender("plain", nothing, "plain", runs=2, base=True, flops=8e9),
        Contender("cpu", nothing, "engine", runs=4, lead=True),
        Contender("nn.RNN", nothing, "peer", runs=2),
        Contender("products", nothing, "floor", runs=4),
    ]


SAMPLES = np.array([[8.0, 4.0, 12.0, 2.0], [6.0, 8.0, 6.0, 2.0], [10.0, 4.0, 10.0, 3.0]])


@pytest.fixture
def rows():
    made = summary.rows(contenders(), SAMPLES, case="scan/x", group="scan")
    return {row["contender"]: row for row in made}


def test_ratios_are_of_medians_a_run(rows):
    # A run by the plain loop takes 8/2 s, by the engine 4/4 s, by the peer 10/2 s.
    assert rows["cpu"]["over_base"] == pytest.approx(4.0)
    assert rows["nn.RNN"]["over_base"] == pytest.approx(0.8)
    assert rows["nn.RNN"]["engine_over"] == pytest.approx(5.0)
    assert rows["plain"]["engine_over"] == pytest.approx(4.0)
    assert rows["plain"]["over_base"] == rows["cpu"]["engine_over"] == 1.0


def test_the_spread_of_a_ratio_is_that_within_rounds(rows):
    # In the rounds the engine is 4, 1.5 and 5 times as fast.
    assert (rows["cpu"]["over_base_low"], rows["cpu"]["over_base_high"]) == pytest.approx((2.75, 4.5))


def test_times_are_a_call_with_their_quartiles(rows):
    found = rows["plain"]
    assert (found["median"], found["minimum"], found["low"], found["high"]) == (8.0, 6.0, 7.0, 9.0)
    assert found["rounds"] == 3 and found["gflops"] == pytest.approx(1.0)


def test_percent_of_the_floor_is_that_of_the_same_number_of_threads(rows):
    # The floor of a run is 2/4 s, the engine takes 1 s, the plain loop 4 s.
    assert rows["cpu"]["percent_of_floor"] == pytest.approx(50.0)
    assert rows["plain"]["percent_of_floor"] == pytest.approx(12.5)
    assert rows["products"]["percent_of_floor"] == 100.0
    other = [Contender("plain", nothing, "plain", threads=2, base=True), contenders()[3]]
    assert summary.rows(other, SAMPLES[:, [0, 3]])[0]["percent_of_floor"] is None


def test_without_an_engine_there_is_nothing_that_is_faster():
    made = summary.rows([contenders()[0], contenders()[2]], SAMPLES[:, [0, 2]])
    assert [row["engine_over"] for row in made] == [None, None]
    assert made[1]["over_base"] == pytest.approx(0.8)


def test_two_bases_are_a_mistake():
    with pytest.raises(ValueError, match="2 contenders are marked"):
        summary.rows([contenders()[0]] * 2, SAMPLES[:, :2])


def test_all_are_called_in_turn_with_their_threads_and_without_the_collector():
    calls = []

    def way(name):
        def call():
            calls.append((name, torch.get_num_threads(), gc.isenabled()))
            time.sleep(0.002)

        return call

    made = [Contender(name, way(name), "plain", threads=n) for name, n in (("a", 1), ("b", 2), ("c", 1))]
    samples = timing.measure(made, 0.0, shortest=0.001)
    assert samples.shape == (3, 3) and (samples >= 0.002).all()
    assert [name for name, _, _ in calls] == [*"aabbcc", *"abc", *"bca", *"cab"]
    assert {(name, count) for name, count, _ in calls} == {("a", 1), ("b", 2), ("c", 1)}
    assert not any(collecting for _, _, collecting in calls)
    assert torch.get_num_threads() == 1 and gc.isenabled()


@pytest.fixture
def lasting(monkeypatch):
    """`lasting(seconds)`: a way that takes so long by a clock that nothing else moves."""
    clock, calls = [0.0], []
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])

    def way(seconds: float) -> Contender:
        def call():
            calls.append(seconds)
            clock[0] += seconds

        return Contender("a", call, "plain")

    way.calls = calls
    return way


def test_what_is_too_short_for_the_clock_is_called_often(lasting):
    samples = timing.measure([lasting(2.0**-16)], 0.0, rounds=1, shortest=2.0**-6)
    assert len(lasting.calls) == 2 + 2**10 and samples.tolist() == [[2.0**-16]]


def test_rounds_go_on_until_the_time_is_used(lasting):
    samples = timing.measure([lasting(0.25)], 2.0, shortest=0.0)
    assert len(samples) == 8 > timing.ROUNDS


@pytest.mark.parametrize("stages", [1, 2])
def test_the_floor_counts_three_products_a_step(stages):
    sizes = Sizes(3, 2, 5, 7)
    _, flops = floors.recurrent(sizes, gates=4, stages=stages, device="cpu")
    assert flops == stages * 3 * (3 * 7 * 2 * 2 * 5 * 20)


def test_every_way_of_the_floor_multiplies_the_same():
    sizes = Sizes(2, 3, 4, 5)
    torch.manual_seed(0)
    ways = floors._ways(sizes, 2, "cpu")
    inside = dict(
        zip(ways[0].__code__.co_freevars, (cell.cell_contents for cell in ways[0].__closure__), strict=True)
    )
    h, weight, u, dh = (inside[name] for name in ("h", "weight", "u", "dh"))
    for way in ways:
        u.zero_(), dh.zero_()
        way()
        torch.testing.assert_close(u, torch.einsum("stbn,snm->stbm", h, weight))
        torch.testing.assert_close(dh, torch.einsum("stbm,snm->stbn", u, weight))


def test_the_product_rate_is_positive_and_leaves_the_threads_alone():
    assert floors.rate(2, "cpu", size=64, repeats=2) > 0
    assert torch.get_num_threads() == 1


def row(case: str, contender: str, **values) -> dict:
    """A row of the engine's speed over a contender."""
    made = {"threads": 1, "runs": 1, "lead": False, "role": "plain", "engine_over": None, "over_base": None}
    return {**made, "percent_of_floor": None, "median": 1.0, "case": case, "contender": contender, **values}


def judged(rows, case, wanted, *, device="cpu", quick=False) -> tuple:
    found = [
        j
        for j in targets.judged(rows, device=device, quick=quick)
        if j.target.case == case and j.target.wanted.startswith(wanted)
    ]
    assert len(found) == 1
    return found[0].value, found[0].state


def test_a_target_is_met_from_its_bound_on_and_never_by_tiny_sizes():
    case = "scan/modrelu/3x20x60x120"
    rows = [row(case, "plain", engine_over=4.0)]
    assert judged(rows, case, "≥ 4×") == (4.0, "met")
    assert judged(rows, case, "≥ 4×", quick=True) == (None, "not measured here")
    assert judged(rows, case, "≥ 4×", device="cuda") == (None, "not measured here")
    assert judged([row(case, "plain", engine_over=3.99)], case, "≥ 4×") == (3.99, "not met")
    assert judged([row(case, "plain")], case, "≥ 4×") == (None, "not measured here")
    assert judged([], case, "≥ 4×") == (None, "not measured here")


def test_the_faster_of_two_loops_counts_and_both_must_be_there():
    case = "step/lstm-pixels"
    first, second = row(case, "plain", engine_over=1.9), row(case, "plain, not hoisted", engine_over=1.3)
    assert judged([first, second], case, "≥ 1.4×") == (1.3, "not met")
    assert judged([first], case, "≥ 1.4×") == (None, "not measured here")


def test_two_threads_are_held_against_one():
    case = "threads/modrelu/6x16x100x500"
    rows = [
        row(case, "cpu", role="engine", engine_over=1.9),
        row(case, "cpu", role="engine", engine_over=1.0, threads=2, lead=True),
        row(case, "plain", engine_over=6.0),
    ]
    assert judged(rows, case, "two threads") == (1.9, "met")


def test_percent_of_the_floor_milliseconds_and_stacks_are_read_off_the_engine():
    last = "scan/modrelu/3x128x128x784"
    rows = [row(last, "plain", percent_of_floor=30.0), row(last, "cpu", lead=True, percent_of_floor=79.9)]
    assert judged(rows, last, "≥ 80 %") == (79.9, "not met")
    grid = row("gpu/copy-grid", "gpu", lead=True, median=0.0149)
    assert judged([grid], "gpu/copy-grid", "under", device="cuda") == (pytest.approx(14.9), "met")
    stack = [row("stack/32", "cpu", role="engine", over_base=r) for r in (4.0, 20.0, 18.0)]
    stack.append(row("stack/32", "plain", over_base=30.0))
    assert judged(stack, "stack/32", "to beat") == (20.0, "met")
    lstm = [
        row("gpu/lstm", "gpu", role="engine", over_base=10.0),
        row("gpu/lstm", "gpu", role="engine", over_base=80.0, runs=10, lead=True),
        row("gpu/lstm", "nn.LSTM (cuDNN)", role="peer", over_base=8.0, engine_over=10.0),
    ]
    assert judged(lstm, "gpu/lstm", "one run", device="cuda") == (1.25, "met")
    assert judged(lstm, "gpu/lstm", "stacked", device="cuda") == (10.0, "met")


def test_every_target_is_of_a_case_that_there_is():
    known = run.cases()
    assert {target.case for target in targets.TARGETS} <= set(known)
    (peer, _) = known["matrix/exponential/512"].contenders(Setting())
    assert peer.name == "torch.matrix_exp"
