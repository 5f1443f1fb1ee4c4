"""Figures of how networks learn signals, from the third invented paper: rules, periods, intervals and paths."""

from __future__ import annotations

import math
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rnnrepro import exhibits, plan, records
from rnnrepro.errors import Fault
from rnnrepro.exhibits import series, style
from rnnrepro.exhibits.figures import by_setting, layout, paths, relation, singular_values, traces
from rnnrepro.exhibits.figures.looks import looks
from rnnrepro.project import load

from .conftest import drawn_whole, provenance, viewer

SIGNALS = Path(__file__).parent / "signals"
CHANCE = 21 / 64
ENDS = {"bptt": 2e-4, "rflo": 2e-3, "local": 6e-3, "random": 3e-4}
RANK = {"bptt": 6, "rflo": 2, "local": 2, "random": 5}
FIGURES = ("learning", "alignment", "by_length", "traces", "change", "peaks", "paths", "relation")


def write_cell(results: Path, cell: plan.Cell) -> None:
    """The cell's results file, with invented numbers that are always the same."""
    parts, runs = [], []
    settings = cell.runs[0].settings
    for run in cell.runs:
        lost = cell.experiment == "long" and cell.arm.endswith(".rflo") and run.seed == 4
        last = 400 if lost else run.settings["training"]["steps"]
        identity = {"paper": cell.paper, "experiment": cell.experiment, "model": cell.model}
        identity |= {"slice": cell.slice, "point": run.point, "seed": run.seed}
        parts.append((identity, records.rows(sorted(history(cell, run, last, lost)))))
        status = "diverged" if lost else "finished"
        told = {"seed": run.seed, "point": run.point, "status": status, "steps": last}
        runs.append({**told, "digest": run.digest, "fingerprint": cell.fingerprint})
    made = provenance(cell, runs) | {"chance": {"half_squared_error": CHANCE}, "settings": settings}
    records.write(results / cell.path, records.assembled(parts), made)


def history(cell, run, last, lost):
    draw = np.random.default_rng([run.seed, zlib.crc32(f"{cell.key}{run.point}".encode())])
    kind, T = cell.slice, run.settings["task"].get("length", 200)
    end = ENDS[kind] * (T / 200) ** (0.2 if kind in ("bptt", "random") else 2.0)
    end *= math.exp(0.4 * draw.standard_normal()) * (3 if run.point == "rate=0.01" else 1)
    reach = 0.8 * (200 / T) ** 0.4 if kind in ("rflo", "random") else 0.15
    start = 0.12 * draw.standard_normal()
    for step in range(0, last + 1, 50):
        fallen = end + (0.4 - end) / (1 + (step / 30) ** 2)
        if step:
            value = math.inf if lost and step == last else fallen * math.exp(0.1 * draw.standard_normal())
            yield step, "test", "half_squared_error", 0, value
        if "alignment" in cell.settings.analyses:
            grown = start + (reach - start) * (1 - math.exp(-step / 300))
            yield step, "analysis", "alignment", 0, grown
            if kind != "bptt":
                yield step, "analysis", "credit_angle", 0, 0.7 * grown + 0.03 * draw.standard_normal()
    W = draw.standard_normal((12, 12))
    for step in (0, *([] if lost else [last])):
        for name, array in arrays_of(cell, run, draw, W, step > 0).items():
            yield from ((step, "analysis", name, i, float(v)) for i, v in enumerate(np.ravel(array)))


def arrays_of(cell, run, draw, W, trained):
    found, kind = {}, cell.slice
    poor = {"bptt": 0.05, "random": 0.08}.get(kind, 0.25)
    if "weight_change" in cell.settings.analyses:
        left, right = draw.standard_normal((2, 12, RANK[kind]))
        moved = W + (0.3 * left @ right.T + 1e-3 * draw.standard_normal((12, 12)) if trained else 0)
        found |= {"recurrent_weight": moved, "recurrent_shape": moved.shape}
    if "outputs" in cell.settings.analyses:
        target = path() if cell.experiment == "reach" else period(run.settings["task"]["length"])
        shaken = target * (1 - poor * draw.random()) + poor * np.roll(target, 9, 1) * draw.standard_normal()
        shape = target.shape
        started = 0.1 * np.sin(np.arange(shape[1]) / 40 + draw.random())[None, :, None] * np.ones(shape)
        found |= {"output": shaken if trained else started, "target": target, "output_shape": shape}
    if "peak_times" in cell.settings.analyses:
        delays = np.arange(30, 151, 10.0)
        slope = 1.0 if kind == "bptt" else 0.6
        times = np.round(slope * (delays - 90) + 90 + 4 * draw.standard_normal(delays.shape))
        times = times if trained else 10 + 0 * delays
        found |= {"peak_delay": delays, "peak_time": times, "peak_error": abs(times - delays).mean()}
    return found


def period(T):
    phase = 2 * np.pi * np.arange(1, T + 1) / T
    return (np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.25 * np.sin(4 * phase))[None, :, None]


def path():
    speed = np.r_[0.5 * (1 - np.cos(2 * np.pi * np.arange(1, 21) / 20)), np.zeros(20)]
    ways = ((1, 0), (0, 1), (-1, 0), (0, -1))
    return np.concatenate([np.multiply.outer(speed, way) for way in ways])[None]


@pytest.fixture(scope="session")
def signals(tmp_path_factory) -> Path:
    """The results folder of the invented paper at scale quick."""
    folder = tmp_path_factory.mktemp("signals") / "quick"
    for cell in plan.cells(load(SIGNALS), "quick"):
        write_cell(folder, cell)
    return folder


@pytest.fixture
def view_of(signals, tmp_path):
    return viewer(SIGNALS, "gamma", signals, tmp_path)


@pytest.mark.parametrize("name", FIGURES)
def test_every_kind_draws_its_figure_with_numbers_legend_and_description(view_of, tmp_path, name):
    drawn_whole(exhibits.draw(view_of(name)), tmp_path, name)


def values(view, key, metric):
    frame = view.records[f"gamma/{key}"].frame()
    return frame[frame["metric"] == metric]


def test_curves_by_trial_on_logarithmic_axes_are_medians_with_quartiles_in_the_rules_colours(view_of):
    view = view_of("learning")
    ax = exhibits.draw(view).figure.axes[0]
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_xlabel()) == ("log", "log", "trial")
    assert ax.get_xlim() == (50, 2000) and ax.get_ylim()[0] < CHANCE < ax.get_ylim()[1]
    own = [each for each in ax.lines if each.get_color() == style.RULES["rflo"]]
    (line,) = [each for each in own if len(each.get_xdata()) > 2]  # the other leads to its name
    by_step = values(view, "short/leaky_rnn.rflo", "half_squared_error").groupby("step")["value"]
    assert np.array_equal(line.get_xdata(), by_step.median().index)
    assert np.allclose(line.get_ydata(), by_step.median())
    band = np.concatenate([path.vertices for path in ax.collections[1].get_paths()])
    assert band[:, 1].min() == pytest.approx(by_step.quantile(0.25).min())
    assert band[:, 1].max() == pytest.approx(by_step.quantile(0.75).max())


def test_trials_are_steps_times_the_sequences_of_a_step(signals):
    made = records.read(signals / "runs/gamma/interval/leaky_rnn.rflo.parquet")
    made.provenance["settings"]["training"]["batch"] = 10
    (first, *_) = series.curves(made, "peak_error", "analysis", x="trial")
    assert first.x.tolist() == [0, 1000]


def test_a_panel_an_arm_has_a_line_an_experiment_from_light_to_dark(view_of):
    drawn = exhibits.draw(view_of("alignment"))
    (ax,) = drawn.figure.axes
    assert ax.get_title(loc="left") == "RFLO"
    assert [row["model"] for row in drawn.numbers.rows] == ["T = 200", "T = 400", "T = 800"]
    assert drawn.numbers.header()[0] == "experiment"
    assert {shade for shade, _ in layout.ramp(3)} <= {line.get_color() for line in ax.lines}


def test_the_rules_of_one_network_differ_by_colour_and_by_line_style(view_of):
    view = view_of("four")
    found = looks(view, view.records_of("long"))
    assert [look.colour for look in found.values()] == list(style.RULES.values())[:4]
    assert len({look.dash for look in found.values()}) == 4


def test_a_place_by_a_setting_is_the_statistic_over_seeds_of_the_best_of_its_settings(view_of):
    view = view_of("by_length")
    lines = {line.label: line for line in by_setting.gather(view)}
    assert [place.x for place in lines["RFLO"].places] == [200, 400, 800]
    local = lines["local only"].places[0]
    ends = {
        key: values(view, key, "half_squared_error").query("step == 2000").groupby("point")["value"].mean()
        for key in ("short/leaky_rnn.local", "rates/leaky_rnn.local")
    }
    every = [mean for means in ends.values() for mean in means]
    assert local.among == len(every) == 3
    assert np.mean(local.values()) == pytest.approx(min(every))
    assert lines["RFLO"].places[2].values().size == 4  # a diverged run has no place


def test_reported_values_stand_beside_ours_and_what_was_there_before_training_too(view_of):
    drawn = exhibits.draw(view_of("by_length"))
    rows = {(row["model"], row["setting"]): row for row in drawn.numbers.rows}
    assert (rows["RFLO", 200]["reported"], rows["RFLO", 200]["status"]) == (0.002, "seen")
    assert rows["RFLO", 400]["reported"] is None
    assert 0.25 < rows["RFLO", 200]["before"] < 0.4 and rows["RFLO", 200]["chance"] == CHANCE
    assert "Rings: as reported." in drawn.notes
    assert "1 of 60 runs diverged and are not in the dots and bars." in drawn.notes


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("task.lenght", "no 'task.lenght'; did you mean 'length'"),
        ("task.kind", "task.kind of gamma/short/leaky_rnn.bptt is 'periodic', and not a number"),
    ],
)
def test_a_setting_that_the_runs_have_not_is_an_error_that_names_it(view_of, path, said):
    with pytest.raises(Fault, match=said):
        exhibits.draw(view_of("by_length", setting=path))


def test_the_singular_values_are_those_of_the_difference_of_what_was_stored(view_of):
    view = view_of("change")
    cell = view.records["gamma/short/leaky_rnn.rflo"]
    found = singular_values.spectra(view, cell)
    before, after = (
        values(view, "short/leaky_rnn.rflo", "recurrent_weight").query(f"step == {step} and seed == 2")
        for step in (0, 2000)
    )
    W = (after["value"].to_numpy() - before["value"].to_numpy()).reshape(12, 12)
    assert len(found) == 5 and found["", 2] == pytest.approx(np.linalg.svd(W, compute_uv=False))
    row = next(r for r in exhibits.draw(view).numbers.rows if r["model"] == "RFLO")
    assert 1 <= row["rank"] <= 2.01 and row["most"] <= 2


def test_intervals_that_are_matched_have_the_slope_of_the_diagonal(view_of):
    rows = {row["model"]: row for row in exhibits.draw(view_of("peaks")).numbers.rows}
    assert rows["BPTT"]["slope"] == pytest.approx(1, abs=0.1)
    assert rows["RFLO"]["slope"] == pytest.approx(0.6, abs=0.1)
    assert rows["BPTT"]["error"] < rows["RFLO"]["error"] and rows["RFLO"]["longest"] == 150


def test_a_path_is_the_sum_of_velocities_in_sides_of_the_square(view_of):
    view = view_of("paths")
    ours, wanted = paths.paths(view, view.records["gamma/reach/leaky_rnn.rflo"])["", 0]
    assert wanted.shape == ours.shape == (1, 161, 2) and (ours[0, 0] == 0).all()
    assert wanted[0, [40, 80, 120, 160]] == pytest.approx(
        np.array([[1, 0], [1, 1], [0, 1], [0, 0]]), abs=1e-12
    )
    along, ends = paths.errors({("", 0): (wanted + 0.3, wanted), ("", 1): (wanted, wanted)})
    assert along == pytest.approx([0.3 * 2**0.5, 0]) and ends == pytest.approx([0.3 * 2**0.5, 0])


def test_one_output_is_no_path(view_of):
    view = view_of("traces")
    with pytest.raises(Fault, match=r"a path needs two outputs, and gamma/short/leaky_rnn\.bptt has 1"):
        exhibits.draw(view.with_entry(replace(view.entry, kind="paths"), view.records))


def test_outputs_are_shown_beside_their_targets_and_judged_as_the_loss_does(view_of):
    view = view_of("traces")
    drawn = exhibits.draw(view)
    cell = view.records["gamma/short/leaky_rnn.bptt"]
    made, asked = traces.trials(view, cell, "last")["", 0]
    line = next(each for each in drawn.figure.axes[0].lines if each.get_color() == style.RULES["bptt"])
    assert np.array_equal(line.get_ydata(), made[0, :, 0])
    errors = traces.half_squared_errors(traces.trials(view, cell, "last"))
    assert errors[0] == pytest.approx(0.5 * ((made - asked) ** 2).mean())
    assert drawn.numbers.rows[0]["after"] == pytest.approx(np.median(errors))
    with pytest.raises(Fault, match="has trials 0 to 0, not 3"):
        exhibits.draw(view_of("traces", trial=3))


def test_two_metrics_meet_at_the_steps_that_both_have(view_of):
    view = view_of("relation")
    cell = view.records["gamma/short/leaky_rnn.rflo"]
    pair = relation.pairs(view, cell, "alignment")["", 1]
    frame = cell.frame().query("seed == 1 and step == 500")
    assert len(pair) == 41
    assert pair.loc[500, "x"] == frame[frame["metric"] == "alignment"]["value"].item()
    assert pair.loc[500, "y"] == frame[frame["metric"] == "credit_angle"]["value"].item()
    with pytest.raises(Fault, match="unknown metric 'alignmant'; did you mean 'alignment'"):
        exhibits.draw(view_of("relation", against="alignmant"))
    with pytest.raises(Fault, match="no run has recorded both credit_angle and peak_error"):
        exhibits.draw(view_of("relation", against="peak_error"))
