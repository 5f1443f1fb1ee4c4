"""One look for all figures: colours, names beside lines, and files that are the same each time."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnrepro import tables
from rnnrepro.config import SCALES
from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import layout
from rnnrepro.project import load

ROOT = Path(__file__).resolve().parents[2]


def test_every_model_has_a_colour_of_its_own():
    assert set(style.COLOURS) == set(tables.MODELS)
    every = [*style.COLOURS.values(), *style.OTHERS]
    assert len(set(every)) == len(every)
    assert all(re.fullmatch("#[0-9A-F]{6}", shade) for shade in every)


def test_a_model_of_a_users_own_keeps_its_colour_and_takes_none_of_ours():
    assert style.colour("mymodel") == style.colour("mymodel")
    assert style.colour("mymodel") not in style.COLOURS.values()


def seen_by(shade: str, matrix: np.ndarray) -> np.ndarray:
    """A colour in CIELAB as a dichromat sees it (Machado et al. 2009, severity 1)."""
    rgb = np.array([int(shade[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(matrix @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.maximum(to_xyz @ linear / np.array([0.9505, 1.0, 1.089]), 1e-6))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


SIGHT = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


def least_distance(pairs, sight: str) -> float:
    """Of the pairs of colours that are least apart."""
    return min(np.linalg.norm(seen_by(a, SIGHT[sight]) - seen_by(b, SIGHT[sight])) for a, b in pairs)


@pytest.mark.parametrize("sight", SIGHT)
def test_the_models_colours_stay_apart_for_colour_blind_readers(sight):
    assert least_distance(combinations(style.COLOURS.values(), 2), sight) > 10  # 2 to 3 can just be seen
    assert least_distance(combinations(style.RULES.values(), 2), sight) > 15


@pytest.mark.parametrize("sight", SIGHT)
def test_models_that_one_experiment_compares_stay_further_apart(sight):
    project, pairs = load(ROOT / "config"), set()
    for paper in project.papers:
        for name in project.paper(paper).experiments:
            for experiment in filter(None, (project.experiment(paper, name, scale) for scale in SCALES)):
                models = {arm.partition(".")[0] for arm in experiment.models} & set(style.COLOURS)
                pairs |= set(combinations(sorted(style.COLOURS[model] for model in models), 2))
    assert least_distance(pairs, sight) > 11.5


def test_every_learning_rule_has_a_colour_of_its_own():
    assert set(style.RULES) == set(tables.RULES)
    assert len(set(style.RULES.values())) == len(style.RULES)
    assert style.rule("rflo") == style.RULES["rflo"] and style.rule("my_rule") in style.OTHERS


def test_slices_of_a_model_differ_by_line_style():
    styles = style.dashes(["nnrnn", "exprnn", "exprnn.n176", "lstm.n63", "lstm"])
    assert styles["nnrnn"] == styles["exprnn"] == styles["lstm.n63"] == "-"
    assert styles["exprnn.n176"] != "-" and styles["lstm"] != "-"


@pytest.mark.parametrize(
    "shade", [*style.COLOURS.values(), *style.RULES.values(), *style.SERIES, *style.OTHERS, style.GREY]
)
def test_text_in_a_models_colour_can_be_read_on_white(shade):
    def luminance(colour):
        c = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        c = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return c @ [0.2126, 0.7152, 0.0722]

    assert 1.05 / (luminance(style.readable(shade)) + 0.05) >= 4.4


def drawn():
    with style.journal():
        figure, (ax,) = layout.panels(1)
        ax.plot([0, 1], [0, 1])
        ax.set_xlabel("‖∂L/∂h$_t$‖")
        labels = [layout.Label(name, 1, 1, "#000000") for name in ("one", "two")]
        layout.direct_labels(figure, {ax: labels})
    return figure


@pytest.mark.parametrize("ending", ["png", "pdf"])
def test_files_are_the_same_each_time(ending):
    assert style.picture(drawn(), ending) == style.picture(drawn(), ending)


def test_the_pdf_embeds_its_fonts_and_has_no_date():
    written = style.picture(drawn(), "pdf")
    assert b"/FontFile2" in written and b"/Type3" not in written
    assert b"CreationDate" not in written


def test_a_users_own_matplotlib_settings_change_nothing():
    import matplotlib

    plain = style.picture(drawn(), "png")
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9}):
        assert style.picture(drawn(), "png") == plain
        assert matplotlib.rcParams["font.size"] == 30


def test_figures_have_a_journals_widths():
    assert layout.panels(1)[0].get_figwidth() * 25.4 == pytest.approx(89)
    assert layout.panels(2)[0].get_figwidth() * 25.4 == pytest.approx(183)


def test_no_text_is_smaller_than_six_and_a_half_points():
    figure = drawn()
    figure.draw_without_rendering()
    sizes = [text.get_fontsize() for text in figure.findobj(lambda artist: hasattr(artist, "get_fontsize"))]
    assert sizes and min(sizes) >= 6.5


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0.01, 0.2))
def test_names_beside_lines_never_touch_and_keep_their_order(heights, step):
    placed = layout.spread(heights, step)
    order = np.argsort(heights, kind="stable")
    gaps = np.diff(np.array(placed)[order])
    assert (gaps >= step - 1e-9).all()


def test_names_that_are_far_apart_stay_where_their_lines_end():
    assert layout.spread([0.1, 0.9, 0.5], 0.1) == [0.1, 0.9, 0.5]


def test_two_names_at_one_place_share_the_way():
    assert layout.spread([0.5, 0.5], 0.1) == pytest.approx([0.45, 0.55])
