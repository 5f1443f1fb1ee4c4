"""Every kind of figure, drawn from the results of the invented paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rnnrepro import exhibits, records
from rnnrepro.analysis.fisher import total_memory_table
from rnnrepro.errors import Fault
from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import arrays, curves
from rnnrepro.exhibits.view import open_view

from .conftest import drawn_whole

FIGURES = [
    "fig_copy",
    "fig_both",
    "fig_text",
    "schur",
    "spectrum",
    "forgetting",
    "gradients",
    "residual",
    "transients",
    "fisher",
    "fisher_table",
]
OF_GRIDS = [
    "counts",
    "curves_best",
    "profile",
    "gates",
    "gain",
    "memory",
    "memory_table",
    "decoding",
    "derivative",
]


@pytest.mark.parametrize(
    ("views", "name"),
    [("view_of", name) for name in FIGURES] + [("grid_view", name) for name in OF_GRIDS],
)
def test_every_kind_draws_its_figure_with_numbers_legend_and_description(request, tmp_path, views, name):
    drawn_whole(exhibits.draw(request.getfixturevalue(views)(name)), tmp_path, name)


def test_the_kinds_and_the_templates_are_the_same():
    from rnnrepro.exhibits.notebook import TEMPLATES

    assert {path.stem for path in TEMPLATES.glob("*.ipynb")} == set(exhibits.KINDS)


def test_figures_write_pictures_and_tables_write_none():
    assert exhibits.outputs("curves") == ("ipynb", "html", "csv", "md", "tex", "png", "pdf")
    assert exhibits.outputs("table") == ("ipynb", "html", "csv", "md", "tex")
    with pytest.raises(Fault, match="did you mean 'curves'"):
        exhibits.outputs("curve")


def test_an_option_that_a_kind_has_not_is_an_error_with_the_nearest_one(view_of):
    with pytest.raises(Fault, match="no option 'clips'; did you mean 'clip'"):
        exhibits.draw(view_of("schur", clips=1))
    with pytest.raises(Fault, match="option band: 'iqr' is not known"):
        exhibits.draw(view_of("fig_copy", band="iqr"))


def line_of(drawn, ax, colour):
    return [
        line
        for line in drawn.figure.axes[ax].lines
        if line.get_color() == colour and len(line.get_xdata()) > 5
    ]


def test_a_line_is_the_median_over_seeds_in_the_models_colour(view_of):
    view = view_of("fig_adding")
    (line,) = line_of(exhibits.draw(view), 0, style.COLOURS["enrnn"])
    frame = view.records["alpha/adding/enrnn"].frame()
    wanted = frame[(frame["split"] == "test") & (frame["metric"] == "mse")].groupby("step")["value"].median()
    assert np.array_equal(line.get_xdata(), wanted.index) and np.allclose(line.get_ydata(), wanted)


def test_the_level_of_guessing_is_drawn_and_named(view_of):
    drawn = exhibits.draw(view_of("fig_adding"))
    assert any(np.allclose(line.get_ydata(), 1 / 6) for line in drawn.figure.axes[0].lines)
    assert any("guessing, 0.167" in text.get_text() for text in drawn.figure.axes[0].texts)


def test_a_diverged_run_ends_with_a_cross_and_is_told(view_of):
    drawn = exhibits.draw(view_of("fig_copy"))
    crosses = [line for line in drawn.figure.axes[0].lines if line.get_marker() == "x"]
    assert [line.get_xdata().tolist() for line in crosses] == [[230]]
    assert "Copying, delay 100: 1 of 5 seeds of RNN diverged (×)." in drawn.notes
    row = next(row for row in drawn.numbers.rows if row["model"] == "RNN")
    assert row["diverged"] == 1 and row["seeds"] == 5


def test_the_legend_says_what_line_and_band_are(view_of):
    assert (
        "Lines: median over 5 seeds; bands: minimum to maximum over seeds."
        in exhibits.draw(view_of("fig_adding")).notes
    )
    said = exhibits.draw(view_of("fig_adding", middle="mean", band="sem")).notes
    assert "Lines: mean over 5 seeds; bands: ± one standard error of the mean over seeds." in said


def test_the_numbers_are_the_exhibits_statistic_and_not_of_the_smoothed_curve(view_of):
    view = view_of("fig_copy")
    row = next(row for row in exhibits.draw(view).numbers.rows if row["model"] == "nnRNN")
    frame = view.records["alpha/copying/nnrnn"].frame()
    curve = frame[(frame["split"] == "train") & (frame["metric"] == "cross_entropy")]
    values = curve.sort_values("step").groupby("seed")["value"].apply(lambda v: np.median(v[-20:]))
    assert row["mean"] == pytest.approx(values.mean()) and row["sd"] == pytest.approx(values.std(ddof=1))


def test_a_panel_a_grid_point_shares_its_axis(view_of):
    drawn = exhibits.draw(view_of("fig_text"))
    titles = [ax.get_title(loc="left") for ax in drawn.figure.axes]
    assert [title.split("   ")[-1] for title in titles] == ["rate 0.0008", "rate 0.0025", "rate 0.005"]
    assert len({ax.get_ylim() for ax in drawn.figure.axes}) == 1


def test_only_the_grid_points_asked_for_are_drawn(view_of):
    drawn = exhibits.draw(view_of("fig_text", points=["rate=0.0025"]))
    assert len(drawn.figure.axes) == 1


def test_a_spike_does_not_flatten_the_rest_of_a_panel(view_of):
    view = view_of("fig_both")
    key = "alpha/copying/rnn"
    frame = view.records[key].frame()
    frame.loc[frame["step"].between(200, 260), "value"] *= 1e4
    import pyarrow as pa

    spiked = records.CellRecords(
        pa.Table.from_pandas(frame, schema=records.SCHEMA), view.records[key].provenance
    )
    entry = replace(view.entry, smooth=1)
    drawn = curves.draw(view.with_entry(entry, {**view.records, key: spiked}))
    assert drawn.figure.axes[0].get_ylim()[1] < 2


@pytest.mark.parametrize(("betas", "said"), [([0.0], []), ([0.0, 0.005], ["β = 0", "β = 0.005"])])
def test_a_setting_that_tells_no_curves_apart_is_in_the_note_not_the_legend(view_of, betas, said):
    view = view_of("fisher")
    entry = replace(view.entry, options={"size": 10, "steps": 15, "d": [0.0], "beta": betas})
    drawn = exhibits.draw(view.with_entry(entry, {}))
    (legend,) = drawn.figure.legends
    words = [text.get_text() for text in legend.get_texts()]
    assert [word for word in words if word.startswith("β")] == said
    assert ("β = 0," in drawn.notes[0]) == (not said)


def test_the_fisher_table_stands_beside_the_reported_values(view_of):
    rows = exhibits.draw(view_of("fisher_table")).numbers.rows
    assert [row["reported"] for row in rows].count(None) == 9
    exact = {(r["d"], r["beta"], r["alpha"]): r["j_total"] for r in total_memory_table()}
    assert all(row["j_total"] == exact[row["d"], row["beta"], row["alpha"]] for row in rows)
    first = rows[0]
    assert (first["alpha"], first["reported"], first["status"]) == (0.95, 3.03, "seen")
    assert first["j_total"] == pytest.approx(3.03, abs=0.01)


def test_the_heat_map_is_clipped_and_shows_theta_as_stored(view_of):
    view = view_of("schur")
    image = exhibits.draw(view).figure.axes[0].images[0]
    assert image.get_clim() == (-0.1, 0.1)
    theta = arrays.finished(view.records["alpha/copying/nnrnn"], "theta")["", 0]
    assert np.array_equal(np.asarray(image.get_array()).ravel(), theta)


def test_the_spectrum_has_both_states_and_the_unit_circle(view_of):
    drawn = exhibits.draw(view_of("spectrum"))
    assert {row["part"] for row in drawn.numbers.rows} == {"long-term state", "short-term state"}
    assert [patch.radius for patch in drawn.figure.axes[0].patches] == [1]
    assert all(0.9 < row["after"] <= 1 + 1e-12 for row in drawn.numbers.rows)


def test_matrices_without_a_constraint_are_named_rather_than_drawn(view_of):
    drawn = exhibits.draw(view_of("residual"))
    assert {row["model"] for row in drawn.numbers.rows} == {"nnRNN", "expRNN"}
    assert "Without a constraint, so not drawn: RNN-orth, RNN-orth, Haar, RNN, LSTM." in drawn.notes


def test_where_every_run_diverged_the_figure_says_so_and_the_pipeline_goes_on(view_of, tmp_path):
    view = view_of("schur")
    lost = {
        key: records.CellRecords(
            cell.table,
            {**cell.provenance, "runs": [{**run, "status": "diverged"} for run in cell.provenance["runs"]]},
        )
        for key, cell in view.records.items()
    }
    drawn = exhibits.draw(view.with_entry(view.entry, lost))
    drawn.write(tmp_path / "lost")
    assert drawn.notes == ["Every run diverged."]


def test_a_metric_that_was_never_recorded_is_an_error_that_names_it(view_of):
    view = view_of("fig_adding")
    with pytest.raises(
        Fault, match="alpha/fig_adding at scale quick: no run has recorded bpc on the test split"
    ):
        exhibits.draw(view.with_entry(replace(view.entry, metric="bpc"), view.records))


def test_missing_results_are_told_with_the_way_to_get_them(config, tmp_path):
    with pytest.raises(Fault, match=r"snakemake --cores all -- results/quick/alpha/fig_copy.html"):
        open_view(config, "quick", "alpha", "fig_copy", tmp_path, tmp_path / "x")


def test_an_exhibit_of_another_scale_is_refused(config, results, tmp_path):
    with pytest.raises(Fault, match="not drawn at scale quick; it is at paper"):
        open_view(config, "quick", "alpha", "paper_only", results, tmp_path / "x")


def test_what_is_not_shown_is_told_with_its_reason(view_of):
    assert view_of("fig_copy").not_shown() == [
        "Copying, delay 100: eurnn not run: the tunable layers are not built yet."
    ]


def test_results_of_other_settings_or_code_are_marked(view_of):
    view = view_of("fig_adding")
    assert view.stale() == []
    key = "alpha/adding/lstm"
    cell = view.records[key]
    old_code, old_settings = (
        records.CellRecords(
            cell.table,
            {**cell.provenance, "runs": [{**run, word: "0" * 16} for run in cell.provenance["runs"]]},
        )
        for word in ("fingerprint", "digest")
    )
    assert view.with_entry(view.entry, {key: old_code}).stale() == [
        f"{key}: the training code has changed since it was trained."
    ]
    assert view.with_entry(view.entry, {key: old_settings}).stale() == [
        f"{key}: its settings have changed since it was trained."
    ]
