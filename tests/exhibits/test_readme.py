"""Committed results, and what is written from them: the block of README.md, and docs/results.md."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from rnnrepro import exhibits, plan, records
from rnnrepro.claims import statistics
from rnnrepro.cli import main
from rnnrepro.errors import Fault
from rnnrepro.exhibits import committed, readme, reference, results_document
from rnnrepro.exhibits.view import open_view
from rnnrepro.project import load

ROOT = Path(__file__).parents[2]
EMPTY = f"# Title\n\n{readme.START}\n{readme.END}\n\nThe rest.\n"


@pytest.fixture(scope="module")
def finished(config, results, tmp_path_factory) -> Path:
    """Results with the numbers of every exhibit and the verdicts."""
    folder = tmp_path_factory.mktemp("finished") / "quick"
    shutil.copytree(results, folder)
    for paper, found in load(config).papers.items():
        (folder / paper).mkdir()
        for name, entry in found.exhibits.items():
            if "quick" not in entry.scales:
                continue
            view = open_view(config, "quick", paper, name, results, folder / paper / name)
            if entry.kind in committed.KINDS:
                drawn = exhibits.draw(view)
                getattr(drawn, "numbers", drawn).write(view.output)
            else:
                view.output.with_suffix(".csv").write_text("x\n1\n")
    words = ["--scale", "quick", "--config", str(config), "--results", str(folder)]
    assert main(["claims", *words, "--output", str(folder / "claims.csv")]) == 0
    return folder


@pytest.fixture
def kept(config, finished, tmp_path) -> Path:
    """A reference folder with the invented paper's results."""
    reference.adopt(load(config), "quick", finished, tmp_path / "reference")
    return tmp_path / "reference"


def test_the_readme_of_this_project_is_what_its_reference_says():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    wanted = readme.replaced(text, readme.block(load(ROOT / "config"), ROOT / "reference"))
    assert wanted == text, "mend with: make readme"


def test_the_results_of_this_project_are_what_its_reference_says():
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert results_document.text(load(ROOT / "config"), ROOT / "reference") == text, "mend with: make readme"


def test_what_is_adopted_is_claims_numbers_and_thinned_runs(config, kept):
    assert (kept / "quick" / "claims.csv").exists() and (kept / "quick" / "alpha" / "table1.csv").exists()
    cells = plan.cells(load(config), "quick")
    assert {p.relative_to(kept / "quick").as_posix() for p in kept.rglob("*.parquet")} == {
        c.path for c in cells
    }


def test_thinned_runs_keep_their_provenance_and_the_statistics_of_their_ends(results, kept):
    path = "runs/alpha/text/nnrnn.parquet"
    whole, thin = records.read(results / path), records.read(kept / "quick" / path)
    assert thin.provenance == whole.provenance
    ours, theirs = (statistics.of_cell(cell, "bpc", "validation", "last") for cell in (thin, whole))
    assert ours == theirs


def test_long_curves_are_thinned_and_arrays_left_out(results):
    whole = records.read(results / "runs" / "alpha" / "copying" / "nnrnn.parquet")
    frame = whole.table.to_pandas()
    curve = frame[(frame["metric"] == "cross_entropy") & (frame["seed"] == 0)].sort_values("step")
    long = pd.concat([curve.assign(step=curve["step"] + i * 400) for i in range(10)])
    table = pa.Table.from_pandas(long, schema=records.SCHEMA, preserve_index=False)
    thin = reference.thinned(table).to_pandas()
    assert 400 <= len(thin) <= 500 and thin["step"].tail(50).tolist() == list(range(3951, 4001))
    kept = set(reference.thinned(whole.table)["metric"].unique().to_pylist())
    assert {"cross_entropy", "residual"} <= kept and not {"theta", "gradient_norm"} & kept


def test_unfinished_results_are_not_adopted(config, results, tmp_path):
    with pytest.raises(
        Fault, match=r"files are missing, the first .*claims.csv; run snakemake at scale quick first"
    ):
        reference.adopt(load(config), "quick", results, tmp_path / "reference")


def cells_of(document: str, title: str) -> list[str]:
    """The cells of the one row of a document's tables that tells of an exhibit."""
    (line,) = [line for line in document.splitlines() if line.startswith("|") and title in line]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_document_puts_reported_beside_ours_with_the_verdicts(config, kept):
    document = results_document.text(load(config), kept)
    cells = cells_of(document, "Table 1")
    assert cells[:3] == ["Copying, training loss", "Table 1", "quick"]
    assert cells[3].startswith("nnRNN 0.0500 · LSTM 0.180") and cells[4].startswith("nnRNN 0.0")
    assert "±" in cells[4] and cells[4].endswith("2 more") and cells[5] == "1 ✓ 1 ✗"
    ours = cells_of(document, "| Two experiments side by side")[4]
    assert (
        "Copying, delay 100: nnRNN 0.0" in ours and "Copying with a longer delay than before: nnRNN" in ours
    )
    assert "Not run yet:\n\n- Drawn at the paper's scale alone" in document
    assert "\n## alpha\n" in document and "Claims: 2 ✓ 1 ✗ at `quick`." in document
    assert "at `quick` 2 supported, 1 not supported, 1 not run" in document


def test_values_of_two_splits_are_told_apart(config, kept):
    path = kept / "quick" / "alpha" / "table1.csv"
    frame = pd.read_csv(path, keep_default_na=False)
    pd.concat([frame, frame.assign(split="test", mean=0.5, sd="", reported_value="")]).to_csv(
        path, index=False
    )
    reported, ours = cells_of(results_document.text(load(config), kept), "Table 1")[3:5]
    place = f"copying, {frame['split'][0]}: "
    assert reported.startswith(f"{place}nnRNN 0.0500") and "test" not in reported
    assert ours.startswith(f"{place}nnRNN 0.0") and "; copying, test: nnRNN 0.5" in ours


def test_the_block_has_a_line_a_paper_with_one_exhibit_and_its_claims(config, kept):
    block = readme.block(load(config), kept)
    cells = cells_of(block, "[`alpha`]")
    assert cells[0] == "[`alpha`](docs/results.md#alpha)" and cells[2] == "Copying, training loss (`quick`)"
    done, every = map(int, cells[1].split(" of "))
    assert 1 < done < every
    assert cells[3].startswith("nnRNN 0.0500 · LSTM 0.180") and cells[4].startswith("nnRNN 0.0")
    assert cells[5] == "2 ✓ 1 ✗" and "at `quick` 2 supported, 1 not supported, 1 not run" in block


def test_a_paper_without_reported_values_or_numbers_has_its_line(config, kept):
    folder = kept / "quick" / "alpha"
    for path in folder.glob("*.csv"):
        frame = pd.read_csv(path, keep_default_na=False)
        if "reported_value" in frame:
            frame.assign(reported_value="", reported_runs="").to_csv(path, index=False)
    cells = cells_of(readme.block(load(config), kept), "[`alpha`]")
    assert cells[3] == "–" and "nnRNN 0.0" in cells[4]
    shutil.rmtree(folder)
    cells = cells_of(readme.block(load(config), kept), "[`alpha`]")
    assert cells[1].startswith("0 of ") and cells[2:5] == ["–"] * 3 and cells[5] == "2 ✓ 1 ✗"


def test_the_largest_scale_that_was_run_is_shown(config, kept):
    shutil.copytree(kept / "quick", kept / "small")
    document = results_document.text(load(config), kept)
    assert "| small |" in document and "| quick |" not in document
    assert cells_of(readme.block(load(config), kept), "[`alpha`]")[5:] == ["2 ✓ 1 ✗", "2 ✓ 1 ✗"]


def test_without_reference_both_say_so(config, tmp_path):
    for text in (readme.block(load(config), tmp_path), results_document.text(load(config), tmp_path)):
        assert "No results have been committed yet." in text


def test_the_block_goes_between_its_markers_and_nowhere_else():
    once = readme.replaced(EMPTY, "\nA\n")
    assert once == EMPTY.replace(readme.END, f"\nA\n{readme.END}") and readme.replaced(once, "\nA\n") == once
    for broken in ("no markers", readme.START, readme.END + readme.START, EMPTY + EMPTY):
        with pytest.raises(Fault, match="has not exactly one line"):
            readme.replaced(broken, "x")


def test_the_command_writes_and_the_check_finds_what_is_out_of_date(config, kept, tmp_path, capsys):
    path, document = tmp_path / "README.md", tmp_path / "results.md"
    path.write_text(EMPTY)
    words = ["readme", "--config", str(config), "--reference", str(kept), "--readme", str(path)]
    words += ["--document", str(document)]
    assert main([*words, "--check"]) == 2 and "mend with: make readme" in capsys.readouterr().err
    assert path.read_text() == EMPTY and not document.exists()
    assert main(words) == 0 and "[`alpha`]" in path.read_text() and path.read_text().endswith("The rest.\n")
    assert "Table 1" in document.read_text() and main([*words, "--check"]) == 0
    document.write_text("old")
    assert main([*words, "--check"]) == 2 and "results.md: its results are not" in capsys.readouterr().err


def test_a_readme_that_is_not_there_is_refused_and_nothing_written(config, kept, tmp_path, capsys):
    words = ["readme", "--config", str(config), "--reference", str(kept), "--readme", str(tmp_path / "no.md")]
    assert main([*words, "--document", str(tmp_path / "results.md")]) == 2
    assert "no.md: cannot be read" in capsys.readouterr().err and list(tmp_path.glob("*.md")) == []
