"""An experiment on licensed data that are not here is left out, said to be lacking, and stops nothing else."""

from __future__ import annotations

import pytest
import yaml

from rnnrepro import cli, exhibits, plan, project, records
from rnnrepro.claims import table
from rnnrepro.errors import Fault
from rnnrepro.exhibits import made, provenance, table_formats, unmade
from rnnrepro.exhibits.view import open_view

SAID = "TIMIT (LDC93S1) is licensed and not here: put its folder under `corpora: {timit: …}`"
FIELDS = (
    "exhibit,cell,part,metric,value,spread,spread_kind,status,status_spread,quoted_from,source,note,better"
)
SPEECH = {
    "title": "Speech frames",
    "seeds": 2,
    "task": {"kind": "speech", "corpus": "timit", "frames": 8},
    "training": {"batch": 4, "epochs": 2, "splits": ["dev", "core"]},
    "select": "best_validation",
    "defaults": {"optimiser": {"kind": "adam_torch", "rate": 0.01}},
    "models": {"scornn": {"hidden": 6}, "lstm": {"hidden": 4}},
    "scales": {"quick": {}},
}
ADDING = {
    "title": "Adding",
    "seeds": 1,
    "task": {"kind": "adding", "length": 8},
    "training": {"batch": 2, "steps": 4, "splits": ["test"]},
    "models": {"lstm": {"hidden": 4, "optimiser": {"kind": "sgd", "rate": 0.1}}},
    "scales": {"quick": {}},
}
CORE = {"metric": "mse", "split": "core", "statistic": "at_best_validation"}
PAPER = {
    "paper": "p",
    "title": "t",
    "authors": ["a"],
    "year": 2026,
    "venue": "v",
    "claim": "c",
    "experiments": {"speech": SPEECH, "adding": ADDING},
    "exhibits": {
        "table": {"title": "Table", "kind": "table", "experiments": ["speech"], **CORE},
        "figure": {"title": "Figure", "kind": "curves", "experiments": ["speech"], **CORE},
        "both": {"title": "Both", "kind": "curves", "experiments": ["adding", "speech"], "metric": "mse"},
    },
    "claims": {
        "better": {
            "text": "x",
            "source": "s",
            "kind": "better",
            "experiment": "speech",
            "arms": ["scornn"],
            "than": ["lstm"],
            "scales": {"quick": {}},
            **CORE,
        }
    },
}


@pytest.fixture
def config(tmp_path):
    """A configuration of one paper with an experiment on TIMIT and one without, and a reported value."""
    folder = tmp_path / "config"
    (folder / "papers").mkdir(parents=True)
    (folder / "reported").mkdir()
    (folder / "config.yaml").write_text("{}")
    (folder / "papers" / "p.yaml").write_text(yaml.safe_dump(PAPER, sort_keys=False))
    value = "table,speech/scornn,split=core,mse,8.5,,,recalled,,,here,,lower"
    (folder / "reported" / "p.csv").write_text(f"{FIELDS}\n{value}\n")
    return folder


def run(config, *words) -> int:
    return cli.main([*words, "--config", str(config), "--scale", "quick"])


def test_its_cells_are_left_out_and_the_others_stay(config):
    loaded = project.load(config)
    loaded.check()
    assert [cell.key for cell in plan.cells(loaded, "quick")] == ["p/adding/lstm"]
    assert plan.lacking(loaded, loaded.experiment("p", "speech", "quick")).startswith(SAID)
    assert plan.lacking(loaded, loaded.experiment("p", "adding", "quick")) == ""


def test_a_figure_of_it_alone_is_not_made_a_table_still_has_the_reported_values(config):
    loaded = project.load(config)
    assert list(made(loaded, "quick", "p")) == ["table", "both"]
    assert unmade(loaded, "quick", "p", "figure").startswith(SAID)
    assert unmade(loaded, "quick", "p", "both") == ""


def test_training_it_is_one_fault_that_says_how_to_supply_it(config, capsys):
    assert run(config, "train", "p/speech", "--model", "scornn") == 2
    assert f"p/speech is not run at scale quick: {SAID}" in capsys.readouterr().err
    assert run(config, "list") == 0
    assert f"Speech frames: {SAID}" in capsys.readouterr().out


def test_tables_pages_and_verdicts_say_what_lacks(config, tmp_path):
    results = tmp_path / "results"
    view = open_view(config, "quick", "p", "table", results, results / "p" / "table")
    table_formats.write(exhibits.draw(view), view.output)
    written = (results / "p" / "table.md").read_text()
    assert "8.5 (recalled)" in written
    assert written.count(SAID) == 2
    assert view.not_shown() == [f"Speech frames: not run: {SAID} in config/config.yaml."]
    assert provenance.facts(view) == [("Scale", "quick"), ("Runs", "none")]
    with pytest.raises(Fault, match=r"p/figure: TIMIT \(LDC93S1\) is licensed"):
        open_view(config, "quick", "p", "figure", results, results / "p" / "figure")
    arguments = ("--results", str(results))
    assert run(config, "claims", *arguments, "--output", str(tmp_path / "claims.csv")) == 0
    (verdict,) = table.read(tmp_path / "claims.csv")
    assert (verdict.verdict, verdict.detail[: len(SAID)]) == ("not run", SAID)
    assert run(config, "page", "p", *arguments) == 0
    page = (results / "p" / "index.html").read_text()
    words = "TIMIT (LDC93S1) is licensed and not here"
    assert page.count(words) == 3  # the claim, the figure's reason, the experiment
    assert "Not run: TIMIT" in page


def test_a_folder_for_data_that_nobody_need_supply_is_a_fault(config):
    with pytest.raises(Fault, match=r"corpora: unknown data set 'timitt'; did you mean 'timit'"):
        project.load(config, {"corpora": {"timitt": "x"}})
    with pytest.raises(Fault, match=r"corpora: unknown data set 'mnist'"):
        project.load(config, {"corpora": {"mnist": "x"}})


def test_with_the_corpus_it_is_planned_trained_and_judged(config, tiny_timit, tmp_path, capsys):
    given = ("--set", f"corpora={{timit: {tiny_timit}}}")
    loaded = project.load(config, {"corpora": {"timit": str(tiny_timit)}})
    keys = [cell.key for cell in plan.cells(loaded, "quick")]
    assert keys == ["p/speech/scornn", "p/speech/lstm", "p/adding/lstm"]
    assert str(tiny_timit) not in repr(
        plan.cells(loaded, "quick")[0].runs
    )  # where it lies is nobody's business
    results = tmp_path / "results"
    for model in ("scornn", "lstm"):
        output = str(results / "runs" / "p" / "speech" / f"{model}.parquet")
        state = ("--state", str(tmp_path / "state"), "--output", output, *given)
        assert run(config, "train", "p/speech", "--model", model, *state) == 0
    assert run(config, "claims", *given, "--results", str(results), "--output", str(tmp_path / "c.csv")) == 0
    (verdict,) = table.read(tmp_path / "c.csv")
    assert verdict.verdict in ("supported", "not supported", "inconclusive")
    assert verdict.n == {"scornn": 2, "lstm": 2}
    corpora = {"corpora": {"timit": str(tiny_timit)}}
    view = open_view(config, "quick", "p", "table", results, results / "p" / "table", corpora)
    assert "utterances: core 8, dev 16, train 16" in dict(provenance.facts(view))["Data"]
    assert cli.main(["data", "fetch", "timit", "--config", str(config), *given]) == 0
    assert "16 of train, 16 of dev, 8 of core utterances" in capsys.readouterr().out


def test_a_run_on_utterances_of_many_lengths_is_the_same_alone_and_in_a_stack(config, tiny_timit, tmp_path):
    tables = []
    for stack in (1, 2):
        output = tmp_path / f"{stack}.parquet"
        state = (
            "--state",
            str(tmp_path / f"state{stack}"),
            "--output",
            str(output),
            "--set",
            f"stack={stack}",
        )
        given = ("--set", f"corpora={{timit: {tiny_timit}}}", *state)
        assert run(config, "train", "p/speech", "--model", "scornn", *given) == 0
        tables.append(records.read(output))
    assert tables[0].table.equals(tables[1].table)
    read = tables[0].provenance["read"]
    assert read["utterances"] == {"train": 16, "dev": 16, "core": 8}
    assert len(read["samples_sha256"]) == 64
    assert str(tiny_timit) not in repr(tables[0].provenance)


WINDOWS = {
    "title": "Activity",
    "seeds": 1,
    "task": {
        "kind": "activity",
        "signals": "uci_har_subset",
        "classes": 2,
        "fraction": 1.0,
        "validation": 0.0,
    },
    "training": {"batch": 2, "steps": 4, "splits": ["test"]},
    "stand_in": "a subset",
    "models": {"lstm": {"hidden": 4, "optimiser": {"kind": "sgd", "rate": 0.1}}},
    "scales": {"quick": {}},
}


def test_data_that_are_nowhere_upstream_are_left_out_unless_a_mirror_has_them(tmp_path, monkeypatch):
    monkeypatch.delenv("RNNREPRO_MIRROR", raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "config"
    (folder / "papers").mkdir(parents=True)
    (folder / "config.yaml").write_text("{}")
    paper = {**PAPER, "experiments": {"windows": WINDOWS}, "exhibits": {}, "claims": {}}
    (folder / "papers" / "p.yaml").write_text(yaml.safe_dump(paper))
    loaded = project.load(folder)
    said = plan.lacking(loaded, loaded.experiment("p", "windows", "quick"))
    assert plan.cells(loaded, "quick") == []
    assert said.startswith("uci_har_subset is nowhere upstream: name a mirror folder that holds uci_har/")
    mirror = tmp_path / "mirror"
    (mirror / "uci_har").mkdir(parents=True)
    name = said.partition("uci_har/")[2].partition(" ")[0]
    (mirror / "uci_har" / f"{name}.xz").touch()
    monkeypatch.setenv("RNNREPRO_MIRROR", str(mirror))
    assert [cell.key for cell in plan.cells(loaded, "quick")] == ["p/windows/lstm"]
    monkeypatch.delenv("RNNREPRO_MIRROR")
    (tmp_path / "resources").symlink_to(mirror)
    (mirror / "uci_har" / f"{name}.xz").rename(mirror / "uci_har" / name)
    assert plan.lacking(loaded, loaded.experiment("p", "windows", "quick")) == ""
