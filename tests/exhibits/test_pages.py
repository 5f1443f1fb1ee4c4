"""The page of a paper and the report: what a reader finds there, and that nothing is fetched from elsewhere."""

from __future__ import annotations

import itertools
import re
import struct
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rnnrepro import plan
from rnnrepro.claims import table
from rnnrepro.claims.verdicts import VERDICTS, Verdict
from rnnrepro.cli import main
from rnnrepro.errors import Fault
from rnnrepro.exhibits import costs, html, ledger, page, provenance, report
from rnnrepro.exhibits.view import open_view
from rnnrepro.project import load
from rnnrepro.records import read

VOID = {"meta", "img", "br", "link", "input", "hr", "source"}


class Reader(HTMLParser):
    """Collects tags, texts and faults of nesting."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th", "br"):
            self.text += " "

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


def reading(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    assert reader.open == []
    reader.text = re.sub(r"\s+", " ", reader.text)
    return reader


def dot(width: int = 700) -> bytes:
    """A white PNG of the width."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\x00" + b"\xff" * width for _ in range(10)))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, 10, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


@pytest.fixture(scope="module")
def site(config, results, tmp_path_factory) -> Path:
    """The results with every exhibit's files, but for one not made yet, and with claims, page and report."""
    import base64
    import json
    import shutil

    folder = tmp_path_factory.mktemp("site") / "quick"
    shutil.copytree(results, folder)
    project = load(config)
    for name, entry in project.papers["alpha"].exhibits.items():
        if "quick" not in entry.scales or name == "fig_both":
            continue
        (folder / "alpha").mkdir(exist_ok=True)
        outputs = {
            "heading": {"text/html": "<h1>x</h1>"},
            "numbers": {"text/html": "<table><tr><td>1</td></tr></table>"},
            "provenance": {"text/html": "<p>p</p>"},
        }
        if entry.kind != "table":
            outputs["figure"] = {"image/png": base64.b64encode(dot()).decode()}
            (folder / "alpha" / f"{name}.png").write_bytes(dot())
        cells = [
            {
                "cell_type": "code",
                "metadata": {"tags": [tag]},
                "source": "",
                "outputs": [
                    {
                        "output_type": "display_data",
                        "data": data,
                        "metadata": {"image/png": {"alt": "a <picture>"}},
                    }
                ],
            }
            for tag, data in outputs.items()
        ]
        (folder / "alpha" / f"{name}.ipynb").write_text(json.dumps({"cells": cells}))
        html.write(
            folder / "alpha" / f"{name}.html",
            "exhibit.html",
            title=entry.title,
            paper=project.papers["alpha"],
            key="alpha",
            name=name,
            scale="quick",
            shown=html.fragments(folder / "alpha" / f"{name}.ipynb"),
            code=["x = '<b>'"],
            endings=("csv",),
        )
    common = ["--scale", "quick", "--config", str(config), "--results", str(folder)]
    assert main(["claims", *common, "--output", str(folder / "claims.csv")]) == 0
    assert main(["page", "alpha", *common]) == 0
    assert main(["report", *common]) == 0
    return folder


PAGES = ["alpha/index.html", "report.html", "alpha/fig_copy.html"]


@pytest.mark.parametrize("name", PAGES)
def test_pages_fetch_nothing_from_elsewhere(site, name):
    reader = reading(site / name)
    for tag, attributes in reader.tags:
        assert tag not in ("script", "iframe", "object", "link"), tag
        assert not attributes.get("src", "data:").startswith(("http", "//", "/"))
    text = (site / name).read_text(encoding="utf-8")
    assert "@import" not in text and not re.search(r"url\(", text)


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_made_for_readers_of_any_kind(site, name):
    reader = reading(site / name)
    tags = [tag for tag, _ in reader.tags]
    assert tags.count("h1") == 1 and tags.count("main") == 1
    assert all(attributes.get("alt") for tag, attributes in reader.tags if tag == "img")
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in reader.tags
    style = (site / name).read_text(encoding="utf-8")
    for query in ("prefers-color-scheme: dark", "@media print", "max-width: 40rem"):
        assert query in style
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels)), levels


@pytest.mark.parametrize("name", PAGES)
def test_links_between_pages_lead_somewhere(site, name):
    reader = reading(site / name)
    anchors = {attributes["id"] for _, attributes in reader.tags if "id" in attributes}
    for tag, attributes in reader.tags:
        link = attributes.get("href", "")
        if tag != "a" or link.startswith("https://") or link.endswith(("metrics.parquet", ".csv")):
            continue
        file, _, anchor = link.partition("#")
        if file:
            assert ((site / name).parent / file).exists(), link
        elif anchor:
            assert anchor in anchors, link


def test_texts_of_the_settings_are_shown_as_they_are_written(site):
    reader = reading(site / "alpha" / "index.html")
    assert "On the memory of <b>synthetic</b> networks & their spectra" in reader.text
    assert "an ampersand & a sign < to see" in reader.text
    assert "b" not in {tag for tag, _ in reader.tags}


def test_the_page_has_claims_exhibits_protocols_deviations_and_cost(site):
    text = reading(site / "alpha" / "index.html").text
    for words in (
        "Ada Author, Ben Writer",
        "Proceedings of Nowhere 12, 1–9, 2019",
        "arXiv:0000.00000",
        "90 runs of 18 cells, seeds 0–4, 1 diverged",
        "2 supported, 1 not supported, 1 not run",
        "exact permutation test, 252 splits",
        "Copying at equal hidden size · Fig. 2 (number recalled)",
        "Two experiments side by side, with names: not made yet.",
        "Drawn at the paper's scale alone: drawn at scale paper only.",
        "The loss without memory is 0.173; nnRNN should be below 0.10 at step 200.",
        "400 optimiser steps of 10 sequences, 120 time steps each (fresh data)",
        "A stand-in: a text that comes with Python, in place of the paper's corpus.",
        "1 of 5 diverged",
        "not run: the tunable layers are not built yet",
        "Not at scale quick: Too big for here.",
        "Two seeds more than the paper. The paper has three; five let us test.",
        "EURNN: the tunable layers",
        "An invented processor",
        "torch 2.13.0",
        "elsewhere",
    ):
        assert words in text, words


def test_what_bears_on_a_claim_stands_beside_it_and_in_one_list(site):
    reader = reading(site / "alpha" / "index.html")
    assert "Bears on it: deviation 2, with Copying at equal hidden size." in reader.text
    assert (
        "Optimiser of another library. Its effect: Copying at equal hidden size; "
        "Drawn at the paper's scale alone (not at this scale). Claims: nnRNN and expRNN solve the copying task."
    ) in reader.text
    links = [attributes.get("href") for tag, attributes in reader.tags if tag == "a"]
    assert links.count("#deviation-2") == 2 and "#claim-solves" in links and "#fig_copy" in links


@pytest.mark.parametrize(("word", "kind"), [("bears_on", "claim"), ("shown_in", "exhibit")])
def test_a_deviation_names_claims_and_exhibits_that_are_there(config, word, kind):
    project = load(config)
    paper = project.papers["alpha"]
    wrong = replace(paper.deviations[0], **{word: ["sovles"]})
    bad = replace(project, papers={"alpha": replace(paper, deviations=[wrong])})
    with pytest.raises(Fault, match=f"alpha: deviations, 1: unknown {kind} 'sovles'"):
        bad.check()


def test_one_deviation_is_not_called_deviations(config, site, tmp_path):
    project = load(config)
    paper = project.papers["alpha"]
    one = replace(project, papers={"alpha": replace(paper, deviations=paper.deviations[:1])})
    page.write(one, "alpha", scale="quick", results=site, verdicts=[], output=tmp_path / "page.html")
    assert "on another; the only one stands below." in reading(tmp_path / "page.html").text
    report.write(one, scale="quick", results=site, verdicts=[], output=tmp_path / "report.html")
    assert "protocols, 1 deviation, cost." in reading(tmp_path / "report.html").text


@pytest.mark.parametrize("name", ["report.html", "alpha/index.html"])
def test_headings_of_tables_begin_alike(site, name):
    text = (site / name).read_text(encoding="utf-8")
    heads = re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', text)
    assert len(heads) > 5 and [head for head in heads if head[0].islower() and head != "p"] == []


def test_the_report_opens_with_one_table_of_all_claims_and_leads_to_every_page(config, site):
    reader = reading(site / "report.html")
    tables = [attributes.get("class") for tag, attributes in reader.tags if tag == "table"]
    assert tables[:2] == ["tally", "ledger"]
    project = load(config)
    first = reader.text.index("On the memory of", reader.text.index("Run it again"))
    for claim in project.papers["alpha"].claims.values():
        assert reader.text.index(claim.text) > first
    assert sum(attributes.get("class") == "claim" for _, attributes in reader.tags) == len(
        project.papers["alpha"].claims
    )
    links = [attributes.get("href") for tag, attributes in reader.tags if tag == "a"]
    assert "alpha/index.html" in links and "alpha/fig_copy.html" in links and "alpha/table1.html" in links
    assert "snakemake --cores all --config scale=quick" in reader.text


def test_the_report_counts_verdicts_by_paper_and_folds_those_not_run(site):
    reader = reading(site / "report.html")
    assert "alpha 2 1 0 1 4" in reader.text and "All 2 1 0 1 4" in reader.text
    assert "1 claim not run, and why The tunable layers are not built yet." in reader.text
    folded = [tag for tag, attributes in reader.tags if tag == "li" and attributes.get("class") == "claim"]
    assert len(folded) == 1


def test_a_row_of_the_ledger_has_our_numbers_with_their_spread_and_an_exhibit(config, site):
    (group,) = ledger.groups(load(config), "quick", site, table.read(site / "claims.csv"))
    lines = {line.verdict.claim: line for line in group.lines}
    assert [re.sub(r"[0-9.]+", "1", words) for words in lines["better"].ours] == [
        "ENRNN: 1 ± 1",
        "scoRNN: 1 ± 1",
    ]
    assert lines["better"].measured == "mse, test"
    # The figure of the same metric and split, not the table beside it; of two equal ones the first.
    assert lines["solves"].exhibit.href == "alpha/fig_copy.html"


def test_the_report_stays_small(site):
    assert (site / "report.html").stat().st_size < 10e6


@pytest.mark.parametrize("verdict", VERDICTS)
def test_verdicts_are_told_apart_without_colour(verdict):
    chips = {v: re.sub("<[^>]*>", "", html.chip(v)) for v in VERDICTS}
    assert chips[verdict].endswith(verdict) and len({chip[0] for chip in chips.values()}) == len(VERDICTS)


def test_few_seeds_and_better_baselines_are_marked():
    verdict = Verdict(
        paper="p",
        claim="c",
        text="A beats B.",
        source="s",
        scale="quick",
        kind="better",
        verdict="supported",
        few_seeds=True,
        n={"a": 3, "b": 3},
        effect=0.1,
        detail="d",
        note="baseline better than reported: B 0.1, reported 0.2",
    )
    environment = html._environment()
    row = ledger.Line(verdict, None)
    group = ledger.Group("p", "A paper", [row], {}, ledger.counted([verdict]), 1)
    for shown in (
        environment.get_template("claims.html").module.claims([verdict], {"c": []}),
        environment.get_template("ledger.html").module.ledger([group]),
    ):
        assert "few seeds</span>" in shown
        assert "Baseline better than reported: B 0.1, reported 0.2.</" in shown


def test_a_page_without_results_says_what_is_missing(config, tmp_path):
    common = ["--scale", "quick", "--config", str(config), "--results", str(tmp_path)]
    assert main(["page", "alpha", *common]) == 0
    text = reading(tmp_path / "alpha" / "index.html").text
    assert "0 of 18 cells are trained" in text and "no cost tables" in text


def test_costs_add_up_over_runs(config, results):
    cells = plan.cells(load(config), "quick")
    found = {cost.key: cost for cost in costs.of_cells(cells, results)}
    five = found["alpha/copying/nnrnn"]
    assert (five.runs, five.steps, five.seconds, five.time) == (5, 2000, 5 * 12.5 + 10, "1m12s")
    assert costs.total(list(found.values())).startswith("18 cells, 90 runs: ")


def test_seeds_are_a_range_where_they_follow_one_another():
    assert provenance.seeds_in_words([2, 0, 1]) == "0–2"
    assert provenance.seeds_in_words([400, 5]) == "5, 400"


def test_data_are_named_with_their_checksums(config, results):
    cell = read(results / "runs" / "alpha" / "adding" / "lstm.parquet")
    assert provenance.data_in_words([cell]) == "adding: drawn by the task from its settings and the seed"
    made = {**cell.provenance, "data": {"mnist": {"train.gz": "0123456789abcdef" * 4}}}
    assert provenance.data_in_words([type(cell)(cell.table, made)]) == "mnist/train.gz (sha256 0123456789ab…)"


def test_theory_needs_no_runs_and_says_so(config, results, tmp_path):
    view = open_view(config, "quick", "alpha", "fisher", results, tmp_path / "x")
    assert ("Runs", "none: computed from formulas, nothing is trained") in provenance.facts(view)


def test_wide_figures_scroll_and_narrow_ones_do_not():
    assert 'class="picture wide"' in html.picture(dot(1440), "x") and 'class="picture"' in html.picture(
        dot(700), "x"
    )


def test_thumbnails_are_small():
    assert len(report.thumbnail(dot(1440), "x")) < 2000 and 'width="520"' in report.thumbnail(dot(1440), "x")


def test_optimisers_are_told_with_the_rates_of_their_groups(config):
    (cell,) = [c for c in plan.cells(load(config), "quick") if c.key == "alpha/text/nnrnn"]
    assert page._optimiser(cell) == "rmsprop_torch, rate 0.0008, 0.0025, 0.005"


def test_groups_with_an_optimiser_of_another_kind_say_which():
    known = load(Path(__file__).parents[2] / "config")
    (cell,) = [c for c in plan.experiment_cells(known, "quick", "scurnn", "copying") if c.arm == "scurnn"]
    assert (
        page._optimiser(cell) == "adam_tf, rate 0.001; orthogonal rmsprop_tf 0.0001; phases adagrad_tf 0.0001"
    )
