"""Exhibits of grids, of successful runs, of sequential networks and of modReLU, from the second invented paper."""

from __future__ import annotations

import numpy as np
import pytest

from rnnrepro import exhibits, plan, records
from rnnrepro.claims import table
from rnnrepro.claims.statistics import of_cell
from rnnrepro.cli.claims import verdicts
from rnnrepro.errors import Fault
from rnnrepro.exhibits import chosen, page, results_document
from rnnrepro.exhibits.figures import arrays
from rnnrepro.project import load

KEY = "beta/grid/"


def lost(cell: records.CellRecords, point: str) -> records.CellRecords:
    runs = [
        {**run, "status": "diverged" if run["point"] == point else run["status"]}
        for run in cell.provenance["runs"]
    ]
    return records.CellRecords(cell.table, {**cell.provenance, "runs": runs})


def test_the_best_setting_has_the_lowest_mean_over_seeds_and_a_diverged_run_makes_it_the_worst(grid_view):
    cell = grid_view("curves_best").records[f"{KEY}chain"]
    values = of_cell(cell, "cross_entropy", "test", "median_last(3)")
    means = {p: np.mean([v.value for v in values if v.point == p]) for p in {v.point for v in values}}
    found = chosen.best(cell, "cross_entropy", "test", "median_last(3)")
    assert found.points == [min(means, key=means.get)] == ["matrix.gain=1.02"] and len(found.runs) == 5
    assert found.words == "best of 3 settings by the mean over seeds: gain 1.02"
    second = chosen.best(lost(cell, "matrix.gain=1.02"), "cross_entropy", "test", "median_last(3)")
    assert second.points == ["matrix.gain=1"]
    with pytest.raises(Fault, match="neither low nor high henrici is better"):
        chosen.best(cell, "henrici", "analysis", "last")


def test_the_best_curves_are_named_with_their_setting(grid_view):
    drawn = exhibits.draw(grid_view("curves_best"))
    assert [row["model"] for row in drawn.numbers.rows] == [
        f"{name}, gain 1.02" for name in ("chain", "orthogonal", "identity")
    ]
    assert all(row["seeds"] == 5 for row in drawn.numbers.rows)
    assert any(
        "best setting, by the mean over seeds of the median of the last 3" in note for note in drawn.notes
    )
    assert len(exhibits.draw(grid_view("curves_best", points=None)).numbers.rows) == 9


def test_grid_points_are_spoken_without_the_part_that_they_set():
    assert chosen.spoken("rate=0.001,matrix.gain=1.02") == "rate 0.001, gain 1.02"
    assert chosen.spoken("rate.orthogonal=1e-05") == "orthogonal rate 1e-05"
    assert chosen.spoken("") == ""
    points = ["rate=0.001,matrix.gain=1", "rate=0.001,matrix.gain=1.02"]
    assert chosen.spoken(points[1], points) == "gain 1.02"


def test_a_table_of_best_settings_has_one_row_a_model_and_says_which(grid_view):
    view = grid_view("table_best")
    table = exhibits.draw(view)
    assert [row[0].text for row in table.rows] == ["chain", "orthogonal", "identity"]
    assert any("best of 3 settings by the mean over seeds: gain 1.02" in note for note in table.footnotes)
    values = of_cell(view.records[f"{KEY}chain"], "cross_entropy", "test", "median_last(3)")
    mean = np.mean([v.value for v in values if v.point == "matrix.gain=1.02"])
    assert table.records[0]["mean"] == pytest.approx(mean) and table.records[0]["n"] == 5
    assert len(exhibits.draw(grid_view("table_best", points="all")).rows) == 9
    with pytest.raises(Fault, match="points: all or best"):
        exhibits.draw(grid_view("table_best", points="first"))


def test_a_table_of_successful_runs_pools_the_grid_and_says_how_many_there_are(grid_view):
    view = grid_view("henrici")
    table = exhibits.draw(view)
    kept = [
        run
        for run in of_cell(view.records[f"{KEY}orthogonal"], "cross_entropy", "test", "median_last(3)")
        if run.value < 0.1733 / 2
    ]
    assert 0 < len(kept) < 15 and table.records[0]["n"] == len(kept)
    indices = arrays.finished(view.records[f"{KEY}orthogonal"], "henrici")
    assert table.records[0]["mean"] == pytest.approx(np.mean([indices[r.point, r.seed][0] for r in kept]))
    assert any(f"{len(kept)} of 15 runs are successful (median" in note for note in table.footnotes)
    assert table.records[1]["n"] == 0
    assert any(entry.text.startswith("0 of 15 runs are successful") for entry in table.rows[1])
    assert table.records[0]["reported_value"] == 2.74


@pytest.mark.parametrize(
    ("criterion", "said"),
    [
        ({"metric": "cross_entropy", "treshold": 0.1}, "success has no 'treshold'; did you mean 'threshold'"),
        ({"split": "test"}, "success needs the metric"),
        ({"metric": "cross_entropy", "threshold": "half"}, "give a number or half_chance"),
    ],
)
def test_a_criterion_that_cannot_be_read_is_a_fault(grid_view, criterion, said):
    with pytest.raises(Fault, match=said):
        exhibits.draw(grid_view("henrici", success=criterion))


def test_successes_are_counted_over_the_whole_grid_beside_reported_shares(grid_view):
    view = grid_view("counts")
    rows = {row["model"]: row for row in exhibits.draw(view).numbers.rows}
    for name, row in rows.items():
        for key, statistic in (("successes", "median_last(3)"), ("last", "last"), ("least", "best")):
            values = of_cell(view.records[f"{KEY}{name}"], "cross_entropy", "test", statistic)
            assert row[key] == sum(v.value < 0.1733 / 2 for v in values), (name, key)
        assert row["runs"] == 15 and row["settings"] == 3 and row["share"] == row["successes"] / 15
        assert row["least"] >= row["successes"]
    assert rows["chain"]["successes"] > rows["identity"]["successes"]
    assert rows["chain"]["reported_share"] == pytest.approx(46 / 462) and rows["identity"]["reported"] is None
    notes = exhibits.draw(view).notes
    assert "below 0.08665, half of what guessing gives" in notes[0] and "another grid" in notes[1]


def test_a_diverged_run_counts_as_failed_and_a_number_may_be_the_level(grid_view):
    view = grid_view("counts", threshold=10.0)
    assert all(row["share"] == 1 for row in exhibits.draw(view).numbers.rows)
    key = f"{KEY}chain"
    changed = view.with_entry(view.entry, {**view.records, key: lost(view.records[key], "matrix.gain=1")})
    row = exhibits.draw(changed).numbers.rows[0]
    assert (row["successes"], row["last"], row["least"], row["diverged"]) == (10, 10, 10, 5)


def test_the_profile_is_the_mean_over_successful_runs_of_all_settings(grid_view):
    view = grid_view("profile")
    rows = {(row["model"], row["when"]): row for row in exhibits.draw(view).numbers.rows}
    cell = view.records[f"{KEY}orthogonal"]
    kept = chosen.successful(cell, view.option("success", {})).runs
    sums = arrays.finished(cell, "chain_asymmetry")
    after = rows["orthogonal", "after training"]
    assert after["runs"] == len(kept) < 15
    values = [sums[run][0] for run in kept]
    assert after["asymmetry"] == pytest.approx(np.mean(values))
    assert after["sem"] == pytest.approx(np.std(values, ddof=1) / np.sqrt(len(values)))
    assert after["peak"] == 2 and rows["orthogonal", "before training"]["runs"] == 15
    assert rows["identity", "after training"]["runs"] == 0
    assert rows["identity", "before training"]["zero"] == pytest.approx(1.0, abs=0.05)
    texts = [text.get_text() for ax in exhibits.draw(view).figure.axes for text in ax.texts]
    assert any("no run to show after training" in text for text in texts)


def test_all_runs_are_in_the_profile_unless_only_successes_are_asked_for(grid_view):
    rows = exhibits.draw(grid_view("profile", only="all")).numbers.rows
    assert all(row["runs"] == 15 for row in rows)
    assert len(exhibits.draw(grid_view("gates")).figure.axes) == 4


def test_the_gain_is_drawn_beside_the_gradient_before_training(grid_view):
    drawn = exhibits.draw(grid_view("gain"))
    good, poor = drawn.numbers.rows
    assert poor["gain"] > 2 > good["gain"] and poor["growth"] > good["growth"]
    assert [len(ax.lines) for ax in drawn.figure.axes] == [
        3,
        2,
    ]  # two arms, and the level of neither growth nor decay


def test_totals_stand_beside_closed_forms_and_reported_values(grid_view):
    rows = exhibits.draw(grid_view("memory_table")).numbers.rows
    found = [(row["net"], row["reported"], row["closed"]) for row in rows]
    assert found[0][:2] == ("chain, α = 1.02", 7.606) and found[0][2] == pytest.approx(7.606, abs=5e-4)
    assert all(
        row["ours"] == pytest.approx(row["reported"], abs=5e-4) for row in rows if row["quantity"] == "J_tot"
    )
    (index,) = (row for row in rows if row["quantity"] == "d(W)")
    assert index["closed"] == pytest.approx(index["reported"], abs=5e-5) and index["ours"] < 8
    assert len(exhibits.draw(grid_view("memory_table", show="curves")).figure.axes) == 1


def test_a_reported_total_of_no_network_is_a_fault(grid_view):
    view = grid_view("memory_table")
    from rnnrepro.exhibits.figures import memory
    from rnnrepro.reported import Reported

    bad = Reported(exhibit="x", part="net=chain", metric="j_total", value=1.0, status="seen", source="x")
    with pytest.raises(Fault, match="give net, alpha"):
        memory._row(view, bad, 100)


def test_the_verdict_on_successes_is_had_from_the_same_runs(grids, grid_results):
    (found,) = verdicts(load(grids), "quick", grid_results, ["beta"])
    assert found.verdict == "supported" and found.n == {"chain": 15, "orthogonal": 15, "identity": 15}
    assert "of 15 runs of chain" in found.detail


@pytest.fixture
def kept(grids, grid_results, grid_view, tmp_path):
    """The numbers and verdicts as a reference folder holds them."""
    folder = tmp_path / "reference" / "quick"
    (folder / "beta").mkdir(parents=True)
    for name in ("counts", "curves_best", "table_best", "table_all", "curves_all"):
        points = {"table_all": {"points": "all"}, "curves_all": {"points": None}}.get(name, {})
        drawn = exhibits.draw(grid_view(name.replace("all", "best"), **points))
        getattr(drawn, "numbers", drawn).write(folder / "beta" / name)
    table.write(folder / "claims.csv", verdicts(load(grids), "quick", grid_results, ["beta"]))
    return folder.parent


def test_the_results_count_successes_beside_the_reported_ones(grids, kept):
    document = results_document.text(load(grids), kept)
    (line,) = [line for line in document.splitlines() if "| Successful runs |" in line]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[3] == "chain 46 of 462 · orthogonal 0 of 594"
    assert cells[4].startswith("chain 15 of 15 · orthogonal ") and cells[5] == "1 ✓"


@pytest.mark.parametrize("kind", ["table", "curves"])
def test_the_results_have_one_entry_a_model_whatever_its_grid(grids, kept, kind):
    folder = kept / "quick" / "beta"
    (folder / f"{kind}_all.csv").replace(folder / f"{kind}_best.csv")
    title = {"table": "The best setting of each", "curves": "Curves of the best setting"}[kind]
    (line,) = [line for line in results_document.text(load(grids), kept).splitlines() if title in line]
    assert line.count("(gain 1.02, best of 3)") == 3 and line.count("chain (gain") == 1


def test_a_page_tells_a_grid_by_its_values_and_a_long_one_by_its_range(grids):
    cells = {cell.arm: cell for cell in plan.cells(load(grids), "quick") if cell.experiment == "grid"}
    assert page._optimiser(cells["chain"]) == "rmsprop_keras, rate 0.001; matrix.gain 0.96, 1, 1.02"
    assert page._values([0.05 * i for i in range(1, 22)]) == "0.05 to 1.05 (21 values)"
