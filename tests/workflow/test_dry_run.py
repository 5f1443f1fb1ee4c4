"""What the workflow would do, and how it speaks of a faulty configuration, without running anything."""

from __future__ import annotations

import subprocess
import sys

import yaml

from rnnrepro import records
from rnnrepro.cli import schema

from .conftest import ROOT


def test_a_dry_run_of_the_tiny_configuration_has_every_job(tiny):
    said = tiny.dry()
    assert said.status == 0, said.text
    assert said.jobs == {
        "all": 1,
        "train": 6,
        "table": 2,
        "figure": 3,
        "page": 2,
        "claims": 1,
        "metrics": 1,
        "report": 1,
    }


def test_a_dry_run_of_the_project_is_not_empty():
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--forceall", "--quiet", "rules", "--", "all"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "train" in done.stdout + done.stderr


def test_a_papers_target_takes_only_that_paper(tiny):
    assert tiny.dry("--", "second").trained == {"scornn on second/digits", "lstm on second/digits"}


def test_an_exhibit_trains_only_what_it_shows(tiny):
    said = tiny.dry("--", "results/quick/first/table_adding.html")
    assert said.jobs == {"train": 2, "table": 1}
    assert said.trained == {"enrnn on first/adding", "lstm on first/adding"}


def test_theory_trains_nothing(tiny):
    assert tiny.dry("--", "results/quick/first/fig_fisher.pdf").jobs == {"figure": 1}


def test_a_name_may_be_a_figure_in_one_paper_and_a_table_in_another(tiny):
    said = tiny.dry("--", *(f"results/quick/{paper}/fig_copying.csv" for paper in ("first", "second")))
    assert said.jobs == {"train": 4, "figure": 1, "table": 1}


def test_a_results_file_without_runs_is_trained_over_and_not_a_traceback(own):
    target = "results/paper/runs/first/copying/nnrnn.parquet"
    records.write_costs(own.place / target, [], scale="paper", key="first/copying/nnrnn")
    said = own.dry("--forceall", "--", target)
    assert said.status == 0, said.text
    assert said.trained == {"nnrnn on first/copying"}


def test_the_scale_says_what_the_targets_mean_and_leaves_paths_alone(tiny):
    assert "at scale paper" in tiny.dry("--config", "scale=paper", "--", "first").text
    said = tiny.dry("--config", "scale=paper", "--", "results/quick/first/table_adding.html")
    assert "at scale quick" in said.text and "at scale paper" not in said.text


def test_faults_of_the_command_line_are_lines_that_say_so_and_nothing_of_the_rules(tiny):
    said = tiny.dry("--config", "seeds=-1", "minutes=nan")
    assert said.status == 1
    assert said.text.splitlines()[-2:] == [
        "error: --config seeds: -1 is below the least allowed, 1",
        "--config minutes: expected a finite number, found nan",
    ]
    assert "common.smk" not in said.text and "Error" not in said.text


def test_the_command_line_may_put_a_model_beside_a_papers(tiny):
    row = 'compare={"first/adding": {"rnn": {"hidden": 4, "optimiser": {"kind": "adam_tf", "rate": 0.001}}}}'
    said = tiny.dry("--config", row, "seeds=null", "--", "results/quick/first/table_adding.html")
    assert said.trained == {f"{arm} on first/adding" for arm in ("enrnn", "lstm", "rnn")}, said.text


def test_a_cell_that_does_not_exist_is_named(tiny):
    said = tiny.dry("--", "results/paper/runs/first/adding/lstm.parquet")
    assert said.status != 0
    assert "first/adding/lstm is not run at scale paper" in said.text


def test_every_fault_of_the_configuration_is_said_at_once_with_the_nearest_name(own):
    own.edit("config/papers/second.yaml", "matrix: {negative: 4}", "matrix: {negativ: 4}")
    own.edit("config/papers/first.yaml", "steps: 20, evaluate_every: 10", "steps: 20, evalute_every: 10")
    said = own.dry("--config", "scael=small", "device=gpu")
    assert said.status != 0
    for words in ("did you mean 'scale'", "unknown value 'gpu'"):
        assert words in said.text
    said = own.dry()
    for words in ("did you mean 'negative'", "did you mean 'evaluate_every'"):
        assert words in said.text
    assert "Traceback (most recent call last)" not in said.text


def test_the_schema_is_the_one_that_the_settings_give():
    assert (ROOT / "workflow" / "schemas" / "config.schema.yaml").read_text() == schema.text()


def test_every_setting_is_described_for_the_reader_of_the_schema():
    for name, entry in yaml.safe_load(schema.text())["properties"].items():
        assert entry["description"], name


def test_the_workflow_is_read_without_torch_and_pandas():
    # None in sys.modules makes an import fail; some of Snakemake's own plugins import pandas before that.
    code = """
import sys, snakemake.cli
for name in ("torch", "pandas", "matplotlib", "pyarrow"):
    sys.modules[name] = None
snakemake.cli.main(["--list"])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "fetch" in done.stdout


def test_the_linter_finds_nothing(tiny):
    said = tiny.snakemake("--lint")
    assert said.status == 0 and "good condition" in said.text, said.text


def test_the_rules_are_formatted():
    done = subprocess.run(
        [sys.executable, "-m", "snakefmt", "--check", "Snakefile", "workflow"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_the_default_profile_holds_and_the_others_keep_what_it_says():
    profiles = ROOT / "workflow" / "profiles"
    default = yaml.safe_load((profiles / "default" / "config.yaml").read_text())
    assert default["rerun-incomplete"] and "code" not in default["rerun-triggers"]
    for other in profiles.iterdir():
        assert default.items() <= yaml.safe_load((other / "config.yaml").read_text()).items(), other


SLICED = (
    'compare={"first/adding": {"chain": {"hidden": 4, "optimiser": {"kind": "adam_tf", "rate": 0.001}, '
    '"grid": {"rate": [0.001, 0.01], "matrix.gain": [0.99, 1.02]}, "slices": ["rate", "matrix.gain"]}}}'
)


def test_each_slice_of_a_grid_is_a_cell_that_an_exhibit_of_the_arm_needs(tiny):
    said = tiny.dry("--config", SLICED, "--", "results/quick/first/table_adding.html")
    slices = {f"chain.rate={r},gain={g}" for r in ("0.001", "0.01") for g in ("0.99", "1.02")}
    assert said.trained == {f"{name} on first/adding" for name in {"enrnn", "lstm", *slices}}, said.text
    target = "results/quick/runs/first/adding/chain.rate=0.01,gain=1.02.parquet"
    assert tiny.dry("--config", SLICED, "--", target).jobs == {"train": 1}
