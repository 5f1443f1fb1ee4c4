"""Templates as they stand in git, and notebooks executed from results alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rnnrepro.cli import main
from rnnrepro.errors import Fault
from rnnrepro.exhibits import KINDS, html, notebook, outputs
from rnnrepro.project import load

PARAMETERS = ["config", "scale", "paper", "exhibit", "results", "output", "overrides"]


def template(kind):
    return json.loads(notebook.template_of(kind).read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", KINDS)
def test_templates_are_stripped_and_short_and_import_no_torch(kind):
    cells = template(kind)["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    text = "".join(html.sources(template(kind)))
    assert "torch" not in text and len(text.splitlines()) < 30


@pytest.mark.parametrize("kind", KINDS)
def test_templates_tag_their_parameters_and_what_they_show(kind):
    tags = [tag for cell in template(kind)["cells"] for tag in cell["metadata"].get("tags", [])]
    assert tags == [
        "parameters",
        "heading",
        *(["figure"] if KINDS[kind].figure else []),
        "numbers",
        "provenance",
    ]
    cell = next(c for c in template(kind)["cells"] if c["metadata"].get("tags") == ["parameters"])
    assert [line.split(" = ")[0] for line in html.sources({"cells": [cell]})[0].splitlines()] == PARAMETERS


def test_what_the_notebooks_import_brings_no_torch():
    code = """
import importlib, sys
from rnnrepro import exhibits
from rnnrepro.exhibits import provenance, view
for kind in exhibits.KINDS.values():
    importlib.import_module(kind.path.split(":")[0])
assert "torch" not in sys.modules and "snakemake" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=notebook.TEMPLATES.parents[1])


def test_kinds_and_endings_are_had_without_matplotlib_and_pandas():
    code = "import sys; from rnnrepro.exhibits import outputs; outputs('curves'); "
    code += "assert not {'matplotlib', 'pandas', 'numpy', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=notebook.TEMPLATES.parents[1])


def rendered(config, results, folder, name):
    words = ["exhibit", "alpha", name, "--scale", "quick", "--config", config, "--results", results]
    assert main([*map(str, words), "--output", str(folder / name)]) == 0
    return folder / name


@pytest.fixture(scope="module")
def made(config, results, tmp_path_factory) -> Path:
    """A figure and a table, each by its one command."""
    folder = tmp_path_factory.mktemp("made")
    for name in ("fig_adding", "table1"):
        rendered(config, results, folder, name)
    return folder


def test_one_command_writes_every_declared_file_and_nothing_else(made):
    wanted = [f"fig_adding.{e}" for e in outputs("curves")] + [f"table1.{e}" for e in outputs("table")]
    assert sorted(path.name for path in made.iterdir()) == sorted(wanted)
    assert (made / "fig_adding.png").read_bytes().startswith(b"\x89PNG")
    assert (made / "fig_adding.pdf").read_bytes().startswith(b"%PDF")


def test_an_executed_notebook_shows_its_figure_table_and_provenance(made):
    shown = html.fragments(made / "fig_adding.ipynb")
    assert "<h1>Adding problem, test error during training</h1>" in shown["heading"]
    assert (
        shown["figure"].count("<img") == 1 and 'alt="Line plot of test mean squared error' in shown["figure"]
    )
    assert "Lines: median over 5 seeds" in shown["figure"]
    assert "<table>" in shown["numbers"] and "ENRNN" in shown["numbers"]
    for word in ("15 runs of 3 cells, seeds 0–4", "An invented processor", "torch 2.13.0", "fingerprint"):
        assert word in shown["provenance"]


def test_an_executed_notebook_tells_nothing_of_when_and_where_it_ran(made):
    text = (made / "fig_adding.ipynb").read_text(encoding="utf-8")
    metadata = json.loads(text)["metadata"]
    assert set(metadata) == {"kernelspec", "language_info"}
    assert "start_time" not in text and "duration" not in text and "/rnnrepro-" not in text


def test_the_kernel_is_this_python_even_where_another_is_registered(config, results, tmp_path, monkeypatch):
    kernel = tmp_path / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(
        '{"argv": ["/bin/false"], "display_name": "another", "language": "python"}'
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    cells = [
        {
            "cell_type": "code",
            "id": "a",
            "metadata": {"tags": ["numbers"]},
            "execution_count": None,
            "outputs": [],
            "source": "import sys; print(sys.executable)",
        }
    ]
    path = tmp_path / "which.ipynb"
    path.write_text(
        json.dumps(
            {"cells": cells, "metadata": template("table")["metadata"], "nbformat": 4, "nbformat_minor": 5}
        )
    )
    assert sys.executable in html.fragments(notebook.executed(path, {}))["numbers"]


def test_a_failing_notebook_gives_its_own_message_and_leaves_no_file(config, tmp_path):
    with pytest.raises(Fault, match="alpha/fig_adding: no results in"):
        notebook.render(
            load(config),
            "alpha",
            "fig_adding",
            scale="quick",
            config=config,
            results=tmp_path / "none",
            output=tmp_path / "x",
        )
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_exhibit_is_told_before_any_notebook_runs(config, capsys):
    assert main(["exhibit", "alpha", "fig_copi", "--scale", "quick", "--config", str(config)]) == 2
    assert "unknown exhibit alpha/fig_copi; did you mean 'fig_copy'?" in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
def test_all_figures_run_the_code_of_one_template(kind):
    like = "curves" if KINDS[kind].figure else "table"
    assert html.sources(template(kind)) == html.sources(template(like))


# Kinds differ in what `exhibits.draw` calls alone, which tests draw without a notebook.
@pytest.mark.slow
@pytest.mark.parametrize("name", ["fig_copy", "table1"])
def test_a_figure_and_a_table_execute_without_training(config, results, tmp_path, name):
    prefix = rendered(config, results, tmp_path, name)
    kind = load(config).papers["alpha"].exhibits[name].kind
    assert all(prefix.with_suffix(f".{ending}").stat().st_size > 100 for ending in outputs(kind))


@pytest.mark.slow
def test_the_same_results_make_the_same_files(config, results, tmp_path):
    first, second = (rendered(config, results, tmp_path / side, "schur") for side in ("one", "two"))
    for ending in ("html", "csv", "md", "tex", "png", "pdf"):
        assert (
            first.with_suffix(f".{ending}").read_bytes() == second.with_suffix(f".{ending}").read_bytes()
        ), ending
    one, two = (json.loads(p.with_suffix(".ipynb").read_text()) for p in (first, second))
    parameters = [
        i for i, cell in enumerate(one["cells"]) if "injected-parameters" in cell["metadata"]["tags"]
    ]
    assert [c for i, c in enumerate(one["cells"]) if i not in parameters] == [
        c for i, c in enumerate(two["cells"]) if i not in parameters
    ]
