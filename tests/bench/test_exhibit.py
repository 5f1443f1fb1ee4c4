"""The bench in the report and in docs/engine.md."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rnnrepro.bench import store
from rnnrepro.cli import main
from rnnrepro.errors import Fault
from rnnrepro.exhibits import bench as section
from rnnrepro.exhibits import bench_docs, bench_figure, bench_tables, report
from rnnrepro.exhibits.html import rendered
from rnnrepro.project import load

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "tests" / "exhibits" / "config"
EMPTY = f"# Title\n\n{bench_docs.START}\n{bench_docs.END}\n\nThe rest.\n"


def table(bench, title):
    return dict(bench_tables.tables(bench))[title]


def test_the_document_of_this_project_is_what_its_reference_says():
    text = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
    wanted = bench_docs.replaced(text, bench_docs.block(store.kept(ROOT / "reference" / "bench")))
    assert wanted == text, "mend with: rnnrepro bench --write-docs"


def test_every_module_that_the_document_names_is_there():
    text = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:rnnrepro|config|tests)/[\w/.]+)`", text)
    assert named and [path for path in named if not (ROOT / path).exists()] == []


def test_adopting_keeps_the_bench_under_its_device_and_writes_the_document(whole, tmp_path, capsys):
    document = tmp_path / "engine.md"
    document.write_text(EMPTY)
    kept = tmp_path / "kept"
    words = ["bench", "--adopt", str(whole), "--reference", str(kept), "--docs", str(document)]
    assert main(words) == 0
    assert sorted(p.name for p in kept.iterdir()) == [
        "invented-cpu-2-50ghz.json",
        "invented-cpu-2-50ghz.parquet",
    ]
    text = document.read_text()
    assert text.startswith("# Title\n") and text.endswith("\nThe rest.\n")
    assert "### Invented(R) CPU @ 2.50GHz, 20" in text
    assert "| tanh, 3 × 20 × 60 × 120 |" in text and "gpu/lstm (needs the device cuda)" in text
    assert main(words) == 0 and document.read_text() == text


def test_a_document_without_the_lines_is_left_alone(tmp_path):
    document = tmp_path / "engine.md"
    document.write_text("nothing here\n")
    with pytest.raises(Fault, match="exactly one line"):
        bench_docs.refresh(document, [])
    assert document.read_text() == "nothing here\n"
    with pytest.raises(Fault, match="cannot be read"):
        bench_docs.refresh(tmp_path / "absent.md", [])


def test_a_case_is_told_with_its_base_engine_others_and_floor(whole):
    bench = store.read(whole / store.NAME)
    (row,) = table(bench, "The scan alone, forward and backward").rows
    by = {r["contender"]: r for r in bench.of("scan")["scan/tanh/3x20x60x120"]}
    assert row["case"] == "tanh, 3 × 20 × 60 × 120" and row["others"].startswith("nn.RNN ")
    assert row["percent_base"] == round(by["plain"]["percent_of_floor"])
    lead = next((r for r in by.values() if r["lead"]), None)
    assert row["over_base"] == (lead and lead["over_base"])
    matrices = table(bench, "The matrices that a step builds")
    assert "peer" in matrices.header() and "floor" not in matrices.header()
    (stack, *_) = table(bench, "Stacks: training steps a second, against one run at a time").rows
    assert stack["runs"] == 1 and stack["hidden"] == 8 and stack["plain_rate"] > 0


def test_a_bench_without_an_engine_says_so(whole):
    bench = store.read(whole / store.NAME)
    rows = [
        {**r, "engine_over": None, "engine_over_low": None, "engine_over_high": None}
        for r in bench.rows
        if r["role"] != "engine"
    ]
    plain = store.Bench(rows, bench.machine)
    (row,) = table(plain, "The scan alone, forward and backward").rows
    assert row["engine"] == "–" and row["over_base"] is None and "(engine" not in row["others"]
    assert {r["state"] for r in table(plain, "Targets").rows} == {"not measured here"}
    assert "engine" not in bench_figure.lines(plain, "hidden")


def test_the_figure_has_a_panel_for_n_t_and_stacks(whole):
    bench = store.read(whole / store.NAME)
    drawn = bench_figure.draw(bench)
    assert [ax.get_xlabel() for ax in drawn.figure.axes] == ["units N", "time steps T", "runs in the stack"]
    points = dict(bench_figure.lines(bench, "hidden"))["plain loop"]
    assert [n for n, _ in points] == [16, 64, 256]
    assert drawn.png.startswith(b"\x89PNG") and len(drawn.numbers.rows) == 6
    few = store.Bench([row for row in bench.rows if row["group"] == "step"], bench.machine)
    assert bench_figure.draw(few) is None


def test_the_report_shows_a_bench_only_where_there_is_one(whole, tmp_path):
    results, nowhere = tmp_path / "results" / "quick", tmp_path / "nowhere"
    (shown,) = section.sections(results, nowhere)
    assert shown.device == "Invented(R) CPU @ 2.50GHz" and len(shown.tables) == 3
    project = load(CONFIG)
    report.write(project, scale="quick", results=results, verdicts=[], output=results / "report.html")
    page = (results / "report.html").read_text(encoding="utf-8")
    assert '<h2 id="bench">' in page and 'href="#bench"' in page and "Invented(R) CPU" in page
    of_claims = re.findall('<table class="(?:tally|ledger)">', page)
    assert (
        page.count("<table") == len(shown.tables) + len(shown.more) + len(of_claims) and len(of_claims) == 2
    )
    shutil.rmtree(whole)
    assert section.sections(results, nowhere) == []
    report.write(project, scale="quick", results=results, verdicts=[], output=results / "report.html")
    assert 'id="bench"' not in (results / "report.html").read_text(encoding="utf-8")


def test_pages_are_made_without_torch():
    code = "import rnnrepro.exhibits.report, rnnrepro.exhibits.bench_figure, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_a_tiny_or_partial_bench_gives_way_to_the_reference(measured, whole, tmp_path):
    store.adopt(whole, tmp_path / "reference")
    results = tmp_path / "tiny" / "quick"
    shutil.copytree(measured, tmp_path / "tiny" / "bench")
    (bench,) = section.found(results, tmp_path / "reference")
    assert bench.machine["device_name"] == "Invented(R) CPU @ 2.50GHz"


def test_the_section_is_whole_html(whole):
    (shown,) = section.sections(whole.parent / "quick", whole)
    page = rendered("bench.html", shown=shown)
    for tag in ("div", "table", "details", "p", "h4"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>")
