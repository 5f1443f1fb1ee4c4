"""`rnnrepro rerun`: what a results file says is enough to train its runs again, and what differs is said."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
import torch

from rnnrepro import differences, plan, records, restored
from rnnrepro.cli import main
from rnnrepro.exhibits.reference import thinned
from rnnrepro.training import job as jobs


@pytest.fixture
def file(cells, tmp_path, job):
    """The results of a grid of two rates, at the second of which every run diverges."""
    return written(cells["adding/rnn"], tmp_path, job)


def written(cell, tmp_path, job):
    path = tmp_path / "results" / "made_up.parquet"
    jobs.write_cell(cell, jobs.train(cell, job(tmp_path / "state")), path, None)
    return path


def changed(path, *, table=None, **provenance):
    """The file with another table or other provenance, as if it had been written so."""
    found = records.read(path)
    records.write(path, found.table if table is None else table, {**found.provenance, **provenance})
    return str(path)


def with_value(table, row, value):
    values = table["value"].to_pylist()
    values[row] = value
    return table.set_column(table.schema.get_field_index("value"), "value", pa.array(values, pa.float64()))


def said(capsys, *words) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["rerun", *map(str, words)])
    found = capsys.readouterr()
    return code, found.out + (found.err if code == 2 else "")


def test_all_runs_are_equal_in_the_same_circumstances(file, capsys):
    code, text = said(capsys, file)
    assert code == 0
    assert "made in these same circumstances" in text
    assert text.count("byte for byte") == 6
    assert "seed 2 rate=1e+35: equal" in text
    assert text.endswith("6 of 6 runs equal\n")


def test_no_configuration_is_read_and_the_state_may_be_kept(file, tmp_path, monkeypatch, capsys):
    empty = tmp_path / "elsewhere"
    empty.mkdir()
    monkeypatch.chdir(empty)
    code, text = said(capsys, file, "--seed", 1, "--point", "rate=0.001", "--state", empty / "state")
    assert (code, text.count("byte for byte")) == (0, 1)
    (record,) = (empty / "state").glob("*/record.parquet")
    assert list(empty.iterdir()) == [empty / "state"]
    assert said(capsys, record)[0] == 0  # a run's own record will do as well


def test_a_changed_value_is_found_and_located(file, capsys):
    table = records.read(file).table
    steps = zip(*(table[name].to_pylist() for name in ("seed", "split", "metric", "step")), strict=True)
    row = list(steps).index((1, "train", "mse", 13))
    value = table["value"][row].as_py()
    changed(file, table=with_value(table, row, value * (1 + 1e-6)))
    code, text = said(capsys, file)
    assert code == 1
    assert "seed 1 rate=0.001: differs from step 13 on\n" in text
    assert "train mse: 1 of 20 values, from step 13 on, at most " in text
    assert "1e-06 of the value" in text
    assert text.endswith("5 of 6 runs equal\n")


def test_rows_that_are_gone_new_or_in_another_order_are_told_from_values(file):
    rows = differences.of_run(records.read(file).table, 0, "rate=0.001")
    less = rows.slice(0, rows.num_rows - 2)
    assert differences.between(rows, rows).equal
    gone, new = differences.between(rows, less), differences.between(less, rows)
    assert len(gone.gone) == len(new.new) == 2 and not (gone.equal or new.equal)
    assert "2 rows recorded and not there now" in gone.lines()[0]
    turned = differences.between(rows, rows.take(list(range(rows.num_rows))[::-1]))
    assert not turned.equal and turned.lines() == ["the same rows in another order"]
    for value, absolute in ((float("nan"), float("inf")), (-0.0, 0.0)):
        zero = with_value(rows, 3, 0.0)
        (metric,) = differences.between(zero, with_value(rows, 3, value)).metrics
        assert (metric.rows, metric.absolute) == (1, absolute)
        assert differences.between(with_value(rows, 3, value), with_value(rows, 3, value)).equal


def test_what_differs_in_circumstances_is_said_first(file, capsys):
    made = records.provenance_of(file)
    module = next(iter(made["modules"]))
    data = {**made["settings"]["data"]}
    assert data == {}
    changed(
        file,
        modules={**made["modules"], module: "0" * 12, "rnnrepro.gone": "1" * 12},
        fingerprint="abc",
        versions={**made["versions"], "torch": "1.0", "other": "2"},
        device_name="Another processor",
    )
    code, text = said(capsys, file, "--seed", 0)
    assert code == 0
    about = text[text.index("what differs") : text.index("seed 0")]
    assert f"modules differ: rnnrepro.gone, {module}" in about or f"{module}, rnnrepro.gone" in about
    assert f"torch: 1.0, now {torch.__version__}" in about
    assert "other: 2, now not there" in about
    assert "device: cpu (Another processor), now cpu" in about


def test_other_data_and_threads_are_circumstances_too(cells, tmp_path, job, capsys):
    path = written(cells["text/lstm"], tmp_path, job)
    made = records.provenance_of(path)
    settings = {**made["settings"], "data": {"python_docs": {"pydoc_data.topics": "0" * 64}}}
    runs = [
        {**run, "digest": plan.digest({**settings, **run["set"], "seed": run["seed"]})}
        for run in made["runs"]
    ]
    changed(path, settings=settings, runs=runs, threads=2)
    code, text = said(capsys, path, "--seed", 0)
    torch.set_num_threads(1)
    assert "data python_docs: other content of pydoc_data.topics" in text
    assert code in (0, 1)  # with two threads the rows are the same to rounding
    assert "threads:" not in text  # it is given as many as it had


def test_a_thinned_reference_is_held_against_what_it_keeps(cells, tmp_path, job, capsys):
    path = written(cells["adding/enrnn"], tmp_path, job)
    full = records.read(path).table
    changed(path, table=thinned(full))
    code, text = said(capsys, path)
    assert code == 0
    assert f"{full.num_rows - thinned(full).num_rows} more rows were made that the file leaves out" in text


def test_grid_points_of_earlier_files_are_read_from_their_labels(cells, tmp_path, job):
    for name in ("adding/rnn", "adding/urnn_fc"):
        cell = cells[name]
        made = records.provenance_of(written(cell, tmp_path, job))
        assert [run["set"] for run in made["runs"]][:3] == [{}, {}, {}]
        assert all(run["set"]["optimiser.main.rate"] == 1e35 for run in made["runs"][3:])
        earlier = [{key: v for key, v in run.items() if key != "set"} for run in made["runs"]]
        for runs in (made["runs"], earlier):
            found = restored.runs_of({**made, "runs": runs}, "x")
            assert [run.settings for run in found] == [run.settings for run in cell.runs]


def bad_settings(made):
    return {"settings": {**made["settings"], "training": {**made["settings"]["training"], "batch": 5}}}


def bad_label(made):
    runs = [{**run, "point": "rate=0.002"} for run in made["runs"]]
    return {"runs": [{key: v for key, v in run.items() if key != "set"} for run in runs]}


def of_other_code(made, part="training", name="record_every"):
    """Settings without one that today's code reads, as they were before it came."""
    settings = json.loads(json.dumps(made["settings"]))
    del settings[part][name]
    runs = [
        {**run, "set": {}, "digest": plan.digest({**settings, "seed": run["seed"]})}
        for run in made["runs"][:1]
    ]
    return {"settings": settings, "runs": runs, "modules": {}, "fingerprint": "abc"}


def otherwise(made, key, value):
    """Settings that nobody has looked at, with digests that fit them."""
    settings = json.loads(json.dumps(made["settings"]))
    *path, last = key.split(".")
    place = settings
    for name in path:
        place = place[name]
    place[last] = value
    runs = [
        {**run, "set": {}, "digest": plan.digest({**settings, "seed": run["seed"]})}
        for run in made["runs"][:1]
    ]
    return {"settings": settings, "runs": runs}


def many_readings(made):
    """A label with 2⁴⁰ readings."""
    run = {key: value for key, value in made["runs"][0].items() if key != "set"}
    return {"runs": [{**run, "digest": "0" * 16, "point": ",".join(f"a{i}=1" for i in range(40))}]}


@pytest.mark.parametrize(
    ("changes", "words", "message"),
    [
        (bad_settings, [], "cannot be restored"),
        (bad_label, [], "of the runs at rate=0.002 cannot be restored"),
        (of_other_code, [], "it was made by other code (fingerprint abc); rerun it with that code"),
        (
            lambda made: of_other_code(made, "model", "rule"),
            [],
            "KeyError: 'rule'); it was made by other code",
        ),
        (lambda made: {"device": "cuda", "device_name": "A card"}, [], "--device cpu"),
        (lambda made: {"modules": {"rnnrepro_plugin_mine": "0"}}, [], "--plugin mine.py"),
        (lambda made: {"runs": []}, [], "not the results of a cell"),
        (lambda made: {"runs": 5}, [], "expected list as 'runs'"),
        (lambda made: {"runs": [5]}, [], "expected runs with names"),
        (lambda made: {"settings": 7}, [], "expected dict as 'settings'"),
        (lambda made: {"threads": 0}, [], "expected 1 to 1024 threads"),
        (lambda made: {"key": "\x1b]0;owned\x07\nwarning"}, [], "with a control character"),
        (many_readings, [], "more than 256 readings"),
        (lambda made: otherwise(made, "model.hidden", 10**10), [], "its settings cannot be trained (Runtime"),
        (
            lambda made: otherwise(made, "model.update", {"none": 1}),
            [],
            "its settings cannot be trained (TypeE",
        ),
        (lambda made: otherwise(made, "task.length", "x"), [], "its settings cannot be trained (TypeError"),
        (lambda made: {}, ["--seed", 9], "no run with seed 9; its seeds are 0, 1, 2"),
        (lambda made: {}, ["--point", "rate=0.01"], "did you mean 'rate=0.001'"),
        (lambda made: {}, ["--corpus", "timit"], "expected NAME=FOLDER"),
    ],
)
def test_what_cannot_be_trained_again_is_one_error(file, capsys, monkeypatch, changes, words, message):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    changed(file, **changes(records.provenance_of(file)))
    code, text = said(capsys, file, *words)
    assert code == 2
    assert text.count("error: ") == 1 and message in text


def test_a_damaged_file_is_one_error(file, capsys):
    file.write_bytes(file.read_bytes()[:-200])
    code, text = said(capsys, file)
    assert code == 2 and text.startswith("error: ")
