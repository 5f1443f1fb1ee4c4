"""A plan is made without torch, identifies runs by what bears on their numbers, and by nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rnnrepro import plan, project
from rnnrepro.cli.plan import unique_seconds
from rnnrepro.errors import Fault

ROOT = Path(__file__).parents[1]
PAPER = {
    "paper": "p",
    "title": "t",
    "authors": ["a"],
    "year": 2026,
    "venue": "v",
    "claim": "c",
    "experiments": {
        "adding": {
            "title": "Adding",
            "seeds": 2,
            "task": {"kind": "adding", "length": 8},
            "training": {"batch": 2, "steps": 4, "splits": ["test"]},
            "defaults": {"optimiser": {"kind": "sgd", "rate": 0.1}},
            "models": {
                "exprnn": {
                    "hidden": 4,
                    "groups": {"orthogonal": {"ratio": 0.1}},
                    "grid": {"rate": [0.1, 0.2]},
                },
                "exprnn.big": {"hidden": 8, "groups": {"orthogonal": {"kind": "adam_tf", "rate": 0.5}}},
            },
            "scales": {"quick": {}, "paper": {"training": {"steps": 40}, "without": ["exprnn.big"]}},
        },
        "longer": {
            "extends": "adding",
            "task": {"length": 16},
            "scales": {"quick": {"only": ["exprnn.big"]}},
        },
    },
    "exhibits": {"fig": {"title": "f", "kind": "curves", "experiments": ["adding"], "models": ["exprnn"]}},
}


def write(folder: Path, paper: dict = PAPER, user: dict | None = None, key: str = "p") -> Path:
    (folder / "papers").mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(user or {}))
    (folder / "papers" / f"{key}.yaml").write_text(yaml.safe_dump(paper, sort_keys=False))
    return folder


def changed(**experiment) -> dict:
    """PAPER with changes merged over its experiment `adding`."""
    return project.merged(PAPER, {"experiments": {"adding": experiment}})


def cells_of(folder: Path) -> list[plan.Cell]:
    return plan.cells(project.load(folder), "quick")


def cells(folder: Path, scale: str = "quick", **overrides) -> dict[str, plan.Cell]:
    loaded = project.load(folder, overrides)
    loaded.check()
    return {f"{c.experiment}/{c.arm}": c for c in plan.cells(loaded, scale)}


def test_cells_are_arms_and_runs_are_seeds_times_grid_points(tmp_path):
    found = cells(write(tmp_path))
    assert list(found) == ["adding/exprnn", "adding/exprnn.big", "longer/exprnn.big"]
    assert [(r.point, r.seed) for r in found["adding/exprnn"].runs] == [
        ("rate=0.1", 0),
        ("rate=0.1", 1),
        ("rate=0.2", 0),
        ("rate=0.2", 1),
    ]
    assert found["adding/exprnn.big"].path == "runs/p/adding/exprnn.big.parquet"


def test_a_ratio_follows_the_grid_and_a_rate_of_its_own_does_not(tmp_path):
    found = cells(write(tmp_path))
    rates = [r.settings["optimiser"]["orthogonal"]["rate"] for r in found["adding/exprnn"].runs]
    assert rates == pytest.approx([0.01, 0.01, 0.02, 0.02])
    assert found["adding/exprnn.big"].runs[0].settings["optimiser"]["orthogonal"] == {
        "kind": "adam_tf",
        "rate": 0.5,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": 0.0,
    }


def sliced(**arm) -> dict:
    """PAPER with one arm more, whose grid is cut into slices."""
    chain = {
        "hidden": 4,
        "grid": {"rate": [0.1, 0.2], "matrix.gain": [0.99, 1.0, 1.02]},
        "slices": ["matrix.gain"],
    }
    return changed(models={"chain": {**chain, **arm}})


def test_a_slice_is_a_cell_with_the_runs_of_its_values(tmp_path):
    found = [c for c in cells_of(write(tmp_path, sliced())) if c.arm == "chain"]
    assert [c.key for c in found] == [f"p/adding/chain.gain={gain}" for gain in ("0.99", "1", "1.02")]
    assert {c.whole for c in found} == {"p/adding/chain"}
    assert found[2].path == "runs/p/adding/chain.gain=1.02.parquet"
    assert found[2].cost_path == "costs/p/adding/chain.gain=1.02.parquet"
    assert [(r.point, r.seed) for r in found[2].runs] == [
        ("rate=0.1,matrix.gain=1.02", 0),
        ("rate=0.1,matrix.gain=1.02", 1),
        ("rate=0.2,matrix.gain=1.02", 0),
        ("rate=0.2,matrix.gain=1.02", 1),
    ]


def test_slices_cut_the_runs_of_an_arm_and_change_none(tmp_path):
    def digests(name, slices):
        found = [c for c in cells_of(write(tmp_path / name, sliced(slices=slices))) if c.arm == "chain"]
        return len(found), {run.digest for c in found for run in c.runs}

    one, two, none = (
        digests(str(i), s) for i, s in enumerate((["matrix.gain"], ["rate", "matrix.gain"], []))
    )
    assert (one[0], two[0], none[0]) == (3, 6, 1)
    assert one[1] == two[1] == none[1] and len(one[1]) == 12


def test_slices_of_two_keys_are_named_by_both(tmp_path):
    found = cells_of(write(tmp_path, sliced(slices=["rate", "matrix.gain"])))
    assert "p/adding/chain.rate=0.2,gain=1.02" in [c.key for c in found]


def test_an_exhibit_of_the_arm_reads_every_slice(tmp_path):
    paper = sliced()
    paper["exhibits"] = {"fig": {**PAPER["exhibits"]["fig"], "models": ["chain"]}}
    found = plan.exhibit_cells(project.load(write(tmp_path, paper)), "quick", "p", "fig")
    assert [c.part for c in found] == ["gain=0.99", "gain=1", "gain=1.02"]


def test_gains_rates_and_seeds_share_a_stack_and_other_settings_do_not(tmp_path):
    other = sliced(matrix={"forward": 0.9})
    found = [c for c in cells_of(write(tmp_path / "a", sliced())) if c.arm == "chain"]
    stacks = {run.stack_digest for c in found for run in c.runs}
    assert len(stacks) == 1
    apart = [c for c in cells_of(write(tmp_path / "b", other)) if c.arm == "chain"]
    assert stacks.isdisjoint(run.stack_digest for c in apart for run in c.runs)


def test_a_scale_merges_over_the_protocol_and_drops_arms(tmp_path):
    found = cells(write(tmp_path), "paper")
    assert list(found) == ["adding/exprnn"]
    assert found["adding/exprnn"].runs[0].settings["training"]["steps"] == 40


def test_an_extended_experiment_takes_over_models_but_not_scales(tmp_path):
    assert cells(write(tmp_path))["longer/exprnn.big"].runs[0].settings["task"]["length"] == 16


@pytest.mark.parametrize(
    "words",
    [
        {"title": "other words"},
        {"protocol": "p"},
        {"models": {"exprnn": {"label": "L", "note": "n"}}},
        {"training": {"batch": 2}},
        {"early_warning": "x"},
    ],
)
def test_words_never_change_a_digest(tmp_path, words):
    before, after = cells(write(tmp_path / "a")), cells(write(tmp_path / "b", changed(**words)))
    assert [c.digest for c in before.values()] == [c.digest for c in after.values()]


@pytest.mark.parametrize(
    "setting",
    [
        {"task": {"length": 9}},
        {"training": {"clip": 1.0}},
        {"models": {"exprnn": {"hidden": 6}}},
        {"seeds": 3},
        {"models": {"exprnn": {"drive": {"init": "zeros"}}}},
        {"analyses": ["spectrum"]},
    ],
)
def test_a_setting_changes_the_digests_of_the_cells_that_depend_on_it(tmp_path, setting):
    before, after = cells(write(tmp_path / "a")), cells(write(tmp_path / "b", changed(**setting)))
    assert before["adding/exprnn"].digest != after["adding/exprnn"].digest
    other = "adding/exprnn.big"
    assert (before[other].digest == after[other].digest) == ("models" in setting)


def test_equal_runs_of_two_papers_are_one(tmp_path):
    write(tmp_path, project.merged(PAPER, {"paper": "q"}), key="q")
    found = plan.cells(project.load(write(tmp_path)), "quick")
    assert unique_seconds(found) == pytest.approx(sum(c.estimate.seconds for c in found) / 2)


def test_more_seeds_by_a_setting_keep_the_runs_there_were(tmp_path):
    few, many = cells(write(tmp_path)), cells(tmp_path, seeds=4)
    assert {r.digest for r in few["adding/exprnn"].runs} < {r.digest for r in many["adding/exprnn"].runs}


def test_a_compared_model_stands_beside_the_papers(tmp_path):
    compare = {"p/adding": {"rnn": {"hidden": 4}}}
    assert (
        cells(write(tmp_path, user={"compare": compare}))["adding/rnn"].runs[0].settings["model"]["hidden"]
        == 4
    )


def test_a_users_model_is_planned_with_the_code_of_its_own_file(tmp_path):
    plugin = tmp_path / "planned_plugin.py"
    plugin.write_text(
        "from rnnrepro.matrices.expm import Exponential\n"
        "from rnnrepro.tables import Component, Model\n"
        "class Mine(Exponential):\n    pass\n"
        "MATRICES = {'mine': Component(path='this:Mine', arguments={'init': 'henaff'})}\n"
        "MODELS = {'my_rnn': Model(matrix='mine')}\n"
    )
    user = {"plugins": [str(plugin)], "compare": {"p/adding": {"my_rnn": {"hidden": 4}}}}
    modules = cells(write(tmp_path / "config", user=user))["adding/my_rnn"].modules
    assert {
        "rnnrepro_plugin_planned_plugin",
        "rnnrepro.matrices.expm",
        "rnnrepro.training.loop",
    } <= modules.keys()


def test_faults_of_all_kinds_come_together_with_near_names(tmp_path):
    broken = changed(
        models={"exprnnn": {"hidden": 4}, "exprnn": {"matrix": {"inti": "henaff"}}},
        task={"lenght": 3},
        training={"step": 3},
    )
    broken["exhibits"] = {"fig": {**PAPER["exhibits"]["fig"], "experiments": ["addding"]}}
    with pytest.raises(Fault) as caught:
        cells(write(tmp_path, broken))
    text = str(caught.value)
    for hint in ("'steps'", "'adding'"):
        assert f"did you mean {hint}" in text
    with pytest.raises(Fault) as caught:
        cells(
            write(
                tmp_path,
                changed(
                    models={"exprnnn": {"hidden": 4}, "exprnn": {"matrix": {"inti": "henaff"}}},
                    task={"lenght": 3},
                ),
            )
        )
    for hint in ("'exprnn'", "'init'", "'length'"):
        assert f"did you mean {hint}" in str(caught.value)


def test_epochs_of_fresh_data_are_a_fault(tmp_path):
    with pytest.raises(Fault, match="no epochs"):
        cells(write(tmp_path, changed(training={"steps": None, "epochs": 2})))


def test_planning_imports_neither_torch_nor_pandas_nor_numpy():
    code = (
        "import sys; from rnnrepro import plan, project; p = project.load('config'); p.check();"
        "cells = [c for s in ('quick', 'small', 'paper') for c in plan.cells(p, s)];"
        "[c.fingerprint for c in cells]; assert len(cells) > 60;"
        "print([m for m in ('torch', 'pandas', 'numpy', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
