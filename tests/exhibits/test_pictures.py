"""Heat maps, published curves and images of gradients, from the third invented paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import LogNorm, to_hex

from rnnrepro import exhibits, published, records
from rnnrepro.claims.statistics import of_cell
from rnnrepro.cli import main
from rnnrepro.errors import Fault
from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import beside, grid, lines
from rnnrepro.exhibits.view import View, open_view
from rnnrepro.project import load

from .conftest import drawn_whole

HEAT = "gamma/heat/momentum_lstm"


@pytest.fixture
def view_of(pictures, picture_results, tmp_path) -> Callable[..., View]:
    """`view(name, scale, entry settings, **options)`."""

    def view(name: str, scale: str = "quick", entry: dict | None = None, **options) -> View:
        found = open_view(pictures, scale, "gamma", name, picture_results / scale, tmp_path / name)
        settings = {**found.entry.options, **options}
        kept = {word: value for word, value in settings.items() if value is not None}
        return found.with_entry(replace(found.entry, options=kept, **(entry or {})), found.records)

    return view


def lost(view: View, points: dict[str, int]) -> View:
    """The view with the first seeds of each grid point diverged, as many as `points` says."""
    cell = view.records[HEAT]
    runs = [
        {**run, "status": "diverged" if run["seed"] < points.get(run["point"], 0) else run["status"]}
        for run in cell.provenance["runs"]
    ]
    changed = records.CellRecords(cell.table, {**cell.provenance, "runs": runs})
    return view.with_entry(view.entry, {**view.records, HEAT: changed})


def squares_of(drawn, panel: int) -> list[str]:
    return [text.get_text() for text in drawn.figure.axes[panel].texts]


@pytest.mark.parametrize("name", ["heat", "rates", "convergence", "two", "image"])
def test_every_kind_draws_its_figure_with_numbers_legend_and_description(view_of, tmp_path, name):
    drawn_whole(exhibits.draw(view_of(name)), tmp_path, name)


# heat maps


def test_a_square_is_the_mean_over_seeds_of_the_exhibits_statistic(view_of):
    view = view_of("heat")
    drawn = exhibits.draw(view)
    rows = {(row["row"], row["column"]): row for row in drawn.numbers.rows}
    values = of_cell(view.records[HEAT], "cross_entropy", "test", "last")
    for mu in (0, 0.3, 0.6, 0.9):
        for epsilon in (0.1, 0.3, 0.6, 0.9, 1):
            own = [v.value for v in values if v.point == f"drive.mu={mu:g},drive.epsilon={epsilon:g}"]
            row = rows[mu, epsilon]
            assert row["mean"] == pytest.approx(np.mean(own)) and row["sd"] == pytest.approx(
                np.std(own, ddof=1)
            )
            assert row["runs"] == 3 and row["failed"] == sum(v >= 0.1733 / 2 for v in own)
    assert len(squares_of(drawn, 0)) == 20 and len(squares_of(drawn, 1)) == 25


def test_squares_stand_where_their_keys_say_and_numbers_grow_upwards(view_of):
    ax = exhibits.draw(view_of("heat", threshold=None)).figure.axes[0]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0.1", "0.3", "0.6", "0.9", "1"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["0", "0.3", "0.6", "0.9"]
    low, high = ax.get_ylim()
    assert low < high and (ax.get_xlabel(), ax.get_ylabel()) == ("ε", "μ")
    values = of_cell(view_of("heat").records[HEAT], "cross_entropy", "test", "last")
    mean = np.mean([v.value for v in values if v.point == "drive.mu=0.9,drive.epsilon=0.1"])
    (there,) = [text for text in ax.texts if text.get_position() == (0, 3)]
    assert float(there.get_text()) == pytest.approx(mean, abs=5e-4)


def test_the_reported_grid_stands_beside_ours_with_its_status(view_of):
    drawn = exhibits.draw(view_of("heat"))
    assert drawn.figure.axes[1].get_title(loc="left").endswith("reported (recalled and seen)")
    rows = {(row["row"], row["column"]): row for row in drawn.numbers.rows}
    assert len(rows) == 25
    assert rows[0.3, 1]["reported"] == 0.0271 and rows[0.3, 1]["status"] == "seen"
    assert rows[0.1, 0.1]["mean"] is None and rows[0.1, 0.1]["reported"] == 0.1589  # not in our grid
    assert "recalled" in {row["status"] for row in rows.values()}


def test_ours_and_the_reported_share_colours_at_the_papers_scale_alone(view_of):
    bars = [
        [ax for ax in exhibits.draw(view_of("heat", scale)).figure.axes if ax.get_label() == "<colorbar>"]
        for scale in ("quick", "paper")
    ]
    assert [len(each) for each in bars] == [2, 1]
    assert any("has its own colours" in note for note in exhibits.draw(view_of("heat")).notes)
    assert not any("has its own colours" in note for note in exhibits.draw(view_of("heat", "paper")).notes)


@pytest.mark.parametrize(("metric", "light"), [("cross_entropy", min), ("accuracy", max)])
def test_light_is_better_whichever_side_that_is(view_of, metric, light):
    view = view_of("heat", threshold=None)
    frame = view.records[HEAT].frame()
    frame["metric"] = frame["metric"].replace("cross_entropy", metric)
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, schema=records.SCHEMA, preserve_index=False)
    changed = records.CellRecords(table, view.records[HEAT].provenance)
    drawn = exhibits.draw(view.with_entry(replace(view.entry, metric=metric), {HEAT: changed}))
    ax = drawn.figure.axes[0]
    shown = {text.get_position(): float(text.get_text()) for text in ax.texts}
    faces = {
        (round(patch.get_x() + 0.48), round(patch.get_y() + 0.46)): sum(patch.get_facecolor()[:3])
        for patch in ax.patches
    }
    assert max(faces, key=faces.get) == light(shown, key=shown.get)


def test_diverged_and_failed_runs_are_told_in_their_squares(view_of):
    points = {"drive.mu=0,drive.epsilon=0.1": 3, "drive.mu=0.3,drive.epsilon=0.1": 1}
    drawn = exhibits.draw(lost(view_of("heat", threshold=10.0), points))
    texts = squares_of(drawn, 0)
    assert "–\n× 3/3" in texts and sum(text.endswith("× 1/3") for text in texts) == 1
    assert sum(bool(patch.get_hatch()) for patch in drawn.figure.axes[0].patches) == 1
    row = next(r for r in drawn.numbers.rows if (r["row"], r["column"]) == (0, 0.1))
    assert (row["diverged"], row["failed"], row["mean"]) == (3, 3, None)
    assert any(note.startswith("×") for note in drawn.notes)
    failing = squares_of(exhibits.draw(lost(view_of("heat", threshold=1e-9), points)), 0)
    assert "–\n× 3/3" in failing and sum(text.endswith("✗ 3/3") for text in failing) == 19


def test_where_every_run_diverged_and_nothing_is_reported_the_figure_says_so(view_of):
    view = view_of("heat", entry={"reported": "nothing"})
    every = {run["point"]: 3 for run in view.records[HEAT].provenance["runs"]}
    drawn = exhibits.draw(lost(view, every))
    assert drawn.notes == ["Every run diverged."] and len(drawn.numbers.rows) == 20


def test_arms_may_be_rows_at_chosen_values_of_other_keys(view_of):
    view = view_of("rates")
    drawn = exhibits.draw(view)
    assert [tick.get_text() for tick in drawn.figure.axes[0].get_yticklabels()] == ["chain", "orthogonal"]
    values = of_cell(view.records["gamma/rates/chain"], "cross_entropy", "test", "last")
    mean = np.mean([v.value for v in values if v.point == "rate=0.01,matrix.gain=1"])
    (row,) = [r for r in drawn.numbers.rows if (r["row"], r["column"]) == ("chain", 0.01)]
    assert row["mean"] == pytest.approx(mean) and row["runs"] == 3 and len(drawn.numbers.rows) == 6


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"at": None}, r"more than one run a seed .*choose with the option at: {matrix.gain: a value}"),
        ({"rows": None}, "options rows and columns must name two keys of the grid"),
        ({"columns": "matrix.gan"}, "has no 'matrix.gan'; did you mean 'matrix.gain'"),
        ({"at": {"drive.mu": 0}}, "has no 'drive.mu'; known: matrix.gain, rate"),
    ],
)
def test_a_grid_that_cannot_be_laid_out_is_a_fault(view_of, options, said):
    with pytest.raises(Fault, match=said):
        exhibits.draw(view_of("rates", **options))


def test_a_reported_square_without_its_place_is_a_fault(view_of):
    with pytest.raises(Fault, match=r"the reported value 0.16 of heat/momentum_lstm has no rate in its part"):
        grid.gather(view_of("heat", rows="drive.mu", columns="rate", entry={"experiments": []}))


# published curves


def dashed(ax) -> dict[str, np.ndarray]:
    """{colour: (n, 2)} of the published curves in a panel."""
    return {to_hex(li.get_color()).upper(): li.get_xydata() for li in ax.lines if li.get_marker() == "o"}


def of_file(pictures, arm: str) -> np.ndarray:
    points = published.curves(published.of_paper(load(pictures), "gamma"))
    return np.array([(p.x, p.value) for p in points["digits", arm, "test", "cross_entropy"]])


@pytest.mark.parametrize(
    ("name", "scale"), [("convergence", "quick"), ("convergence", "paper"), ("overlay", "quick")]
)
def test_published_curves_have_axes_of_their_own_where_the_axes_do_not_agree(view_of, pictures, name, scale):
    drawn = exhibits.draw(view_of(name, scale))
    ours, theirs = drawn.figure.axes
    assert not dashed(ours) and theirs.get_title(loc="left").endswith("published: Digits (seen)")
    assert ours.get_ylim() != theirs.get_ylim() and theirs.get_xlabel() == "epoch"
    for arm in ("lstm", "momentum_lstm", "adam_lstm"):
        np.testing.assert_array_equal(dashed(theirs)[style.COLOURS[arm]], of_file(pictures, arm))
    said = "only the order of the models" if scale == "quick" else "or do not count what our axis counts"
    assert any(said in note for note in drawn.notes)


def test_published_curves_lie_over_ours_at_the_papers_scale_in_its_unit(view_of, pictures):
    drawn = exhibits.draw(view_of("overlay", "paper"))
    (ax,) = drawn.figure.axes
    np.testing.assert_array_equal(dashed(ax)[style.COLOURS["lstm"]], of_file(pictures, "lstm"))
    assert ax.get_ylim()[0] < 0.03 and ax.get_xlim()[1] >= 149
    (legend,) = drawn.figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert "AdamLSTM, published" in texts and "published" in texts and texts.count("LSTM") == 1
    assert exhibits.draw(view_of("overlay", "paper", ylim=[0.1, 0.3])).figure.axes[0].get_ylim() == (0.1, 0.3)
    both = exhibits.draw(view_of("two", "paper", {"x": "epoch"})).figure.axes
    assert [bool(dashed(each)) for each in both] == [True, False, True]  # of letters there are none


def test_the_end_of_a_published_curve_is_in_the_numbers_and_never_among_our_means(view_of):
    drawn = exhibits.draw(view_of("convergence"))
    rows = {row["model"]: row for row in drawn.numbers.rows}
    assert rows["LSTM"]["published"] == 0.0313 and rows["LSTM"]["published_sd"] == 0.0031
    assert rows["RNN"]["published"] is None and rows["RNN"]["mean"] is not None
    assert rows["AdamLSTM"].get("mean") is None and rows["AdamLSTM"]["published_status"] == "seen"
    assert any("5 seeds" in note and "end at epoch 149" in note for note in drawn.notes)


def test_another_experiments_curves_can_stand_beside_and_the_exhibits_arms_choose_among_them(view_of):
    drawn = exhibits.draw(view_of("two"))
    panels = drawn.figure.axes
    assert [bool(dashed(ax)) for ax in panels] == [False, True, False, True]
    assert all(
        set(dashed(ax)) == {style.COLOURS[a] for a in ("lstm", "momentum_lstm")} for ax in panels[1::2]
    )
    assert len(exhibits.draw(view_of("two", published={"letters": "digits"})).figure.axes) == 3
    assert len(exhibits.draw(view_of("two", published=None)).figure.axes) == 2


def test_a_logarithmic_exhibit_has_logarithmic_published_curves(view_of):
    theirs = exhibits.draw(view_of("convergence", entry={"log": True}, log_x=True)).figure.axes[1]
    assert (theirs.get_xscale(), theirs.get_yscale()) == ("log", "log")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"published": "digit"}, "on test is of digit; did you mean 'digits'"),
        ({"published": "heat"}, "no published curve of cross_entropy on test is of heat"),
        ({"panels": "point"}, "option published needs panels: experiment"),
    ],
)
def test_published_curves_that_are_not_there_are_a_fault(view_of, options, said):
    with pytest.raises(Fault, match=said):
        exhibits.draw(view_of("convergence", **options))


def test_published_curves_lie_over_ours_at_a_lower_scale_with_the_papers_task_training_and_models(view_of):
    drawn = exhibits.draw(view_of("same", entry={"x": "epoch"}))
    assert [bool(dashed(ax)) for ax in drawn.figure.axes] == [True]
    assert not any("only the order" in note for note in drawn.notes)


def test_published_sizes_of_one_model_have_marks_of_their_own(view_of):
    view = view_of("convergence")
    (panel,) = lines.gather(view)
    points = published.curves(published.of_paper(view.project, "gamma"))
    own = dict.fromkeys(("lstm", "lstm.n63", "rnn"), points["digits", "lstm", "test", "cross_entropy"])
    found = beside._curves(view, panel, "digits", own)
    assert [(curve.colour, curve.marker) for curve in found] == [
        (style.COLOURS["lstm"], "o"),
        (style.COLOURS["lstm"], "s"),
        (style.COLOURS["rnn"], "o"),
    ]


# gradients over training


def norms_of(view: View, arm: str) -> np.ndarray:
    """(steps, T + 1): medians over seeds."""
    frame = view.records[f"gamma/digits/{arm}"].frame()
    frame = frame[frame["metric"] == "gradient_norm"]
    return frame.groupby(["step", "index"])["value"].median().unstack().to_numpy()


def images_of(drawn) -> list:
    return [ax.collections[0] for ax in drawn.figure.axes if ax.get_ylabel() == "optimiser step" or ax.collections
            if ax.get_label() != "<colorbar>" and type(ax.collections[0]).__name__ == "QuadMesh"]  # fmt: skip


def test_an_image_is_the_median_over_seeds_on_one_scale_for_all_models(view_of):
    view = view_of("image")
    images = images_of(exhibits.draw(view))
    assert len(images) == 3 and len({image.get_clim() for image in images}) == 1
    wanted = [norms_of(view, arm) for arm in ("lstm", "momentum_lstm", "rnn")]
    for image, norms in zip(images, wanted, strict=True):
        np.testing.assert_allclose(np.asarray(image.get_array()).reshape(norms.shape), norms, rtol=1e-12)
    assert images[0].get_clim() == (0.0, pytest.approx(max(norms.max() for norms in wanted)))


def test_steps_and_times_stand_where_they_were_measured(view_of):
    image = images_of(exhibits.draw(view_of("image")))[0]
    across, up = image.get_coordinates()[0, :, 0], image.get_coordinates()[:, 0, 1]
    assert len(across) == 51 and across[0] == 0 and across[1] == 0.5
    assert list(up[:3]) == [0, 25, 75] and up[-1] == 625


def test_a_clipped_or_logarithmic_scale_ends_where_it_is_told(view_of):
    drawn = exhibits.draw(view_of("image", clip=0.01))
    assert images_of(drawn)[0].get_clim() == (0.0, 0.01) and "The colours end at 0.01." in drawn.notes
    image = images_of(exhibits.draw(view_of("image", entry={"log": True}, floor=1e-6, clip=0.1)))[2]
    assert isinstance(image.norm, LogNorm) and image.get_clim() == (1e-6, 0.1)
    assert np.asarray(image.get_array()).min() == 1e-6  # what is less has the last colour, not none


def test_lines_are_drawn_at_the_recorded_steps_that_are_nearest(view_of):
    view = view_of("image", steps=[0, 290])
    drawn = exhibits.draw(view)
    panels = [ax for ax in drawn.figure.axes if ax.get_yscale() == "log"]
    assert [ax.get_title(loc="left").split("   ")[-1] for ax in panels] == ["before training", "step 300"]
    (line,) = [li for li in panels[1].lines if li.get_color() == style.COLOURS["rnn"]]
    np.testing.assert_allclose(line.get_ydata(), norms_of(view, "rnn")[6])
    with pytest.raises(Fault, match="at most 4"):
        exhibits.draw(view_of("image", steps=[0, 100, 200, 300, 400]))


def test_the_numbers_tell_how_far_gradients_reach_and_stand_beside_reported_norms(view_of):
    view = view_of("image")
    rows = exhibits.draw(view).numbers.rows
    norms = norms_of(view, "rnn")
    (ours,) = [row for row in rows if row["model"] == "RNN" and row["step"] == 600 and "share" in row]
    assert ours["start"] == pytest.approx(norms[-1, 0]) and ours["end"] == pytest.approx(norms[-1, -1])
    assert ours["share"] == pytest.approx(norms[-1, 0] / norms[-1, -1])
    reported = {(row["model"], row["t"]): row for row in rows if "reported" in row}
    assert len(reported) == 4 and reported["RNN", 30]["reported"] == 0.02
    assert reported["RNN", 30]["norm"] == pytest.approx(norms[6, 30])
    assert (reported["LSTM", 10]["step"], reported["LSTM", 10]["at_step"]) == (300, 310)


def test_norms_at_the_ends_alone_make_no_image(view_of):
    view = view_of("image")
    kept = {}
    for key, cell in view.records.items():
        frame = cell.frame()
        import pyarrow as pa

        ends = frame[(frame["split"] != "analysis") | frame["step"].isin([0, 600])]
        table = pa.Table.from_pandas(ends, schema=records.SCHEMA, preserve_index=False)
        kept[key] = records.CellRecords(table, cell.provenance)
    with pytest.raises(Fault, match="name gradient_history among the analyses"):
        exhibits.draw(view.with_entry(view.entry, kept))


def test_a_training_stores_its_gradients_at_each_evaluation_and_they_are_drawn(pictures, tmp_path):
    words = ["train", "gamma/real", "--model", "rnn", "--scale", "quick", "--config", pictures]
    words += ["--backend", "plain", "--state", tmp_path / "state"]
    words += ["--output", tmp_path / "runs" / "gamma" / "real" / "rnn.parquet"]
    assert main([*map(str, words)]) == 0
    drawn = exhibits.draw(open_view(pictures, "quick", "gamma", "image_real", tmp_path, tmp_path / "x"))
    (image,) = images_of(drawn)
    assert np.asarray(image.get_array()).size == 4 * 7  # steps 0, 2, 4, 6 and h_0 … h_6
    assert [row["step"] for row in drawn.numbers.rows] == [0, 4, 6]
    assert all(0 < row["start"] < np.inf for row in drawn.numbers.rows)
