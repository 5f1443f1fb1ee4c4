"""Committed results and the block of README.md that is written from them."""

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
from rnnrepro.exhibits import readme, reference
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
            if entry.kind in readme.KINDS:
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


def test_the_block_puts_reported_beside_ours_with_the_verdicts(config, kept):
    lines = readme.block(load(config), kept).splitlines()
    (table,) = [line for line in lines if "Table 1" in line]
    cells = [cell.strip() for cell in table.strip("|").split("|")]
    assert cells[:3] == ["alpha", "Copying, training loss · Table 1", "quick"]
    assert cells[3].startswith("nnRNN 0.0500 · LSTM 0.180") and cells[4].startswith("nnRNN 0.0")
    assert "±" in cells[4] and cells[4].endswith("2 more") and cells[5] == "1 ✓ 1 ✗"
    (group,) = [line for line in lines if "| Two experiments side by side" in line]
    assert (
        "Copying, delay 100: nnRNN 0.0" in group and "Copying with a longer delay than before: nnRNN" in group
    )
    assert "- alpha, not run yet: Drawn at the paper's scale alone." in lines
    assert any("at `quick` 2 supported, 1 not supported, 1 not run" in line for line in lines)


def test_the_largest_scale_that_was_run_is_shown(config, kept):
    shutil.copytree(kept / "quick", kept / "small")
    block = readme.block(load(config), kept)
    assert "| small |" in block and "| quick |" not in block


def test_without_reference_the_block_says_so(config, tmp_path):
    assert "No results have been committed yet." in readme.block(load(config), tmp_path)


def test_the_block_goes_between_its_markers_and_nowhere_else():
    once = readme.replaced(EMPTY, "\nA\n")
    assert once == EMPTY.replace(readme.END, f"\nA\n{readme.END}") and readme.replaced(once, "\nA\n") == once
    for broken in ("no markers", readme.START, readme.END + readme.START, EMPTY + EMPTY):
        with pytest.raises(Fault, match="has not exactly one line"):
            readme.replaced(broken, "x")


def test_the_command_writes_and_the_check_finds_what_is_out_of_date(config, kept, tmp_path, capsys):
    path = tmp_path / "README.md"
    path.write_text(EMPTY)
    words = ["readme", "--config", str(config), "--reference", str(kept), "--readme", str(path)]
    assert main([*words, "--check"]) == 2 and "mend with: make readme" in capsys.readouterr().err
    assert main(words) == 0 and "Table 1" in path.read_text() and path.read_text().endswith("The rest.\n")
    assert main([*words, "--check"]) == 0
