"""`rnnrepro bench`: what it prints, stores and refuses."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from rnnrepro import records
from rnnrepro.bench import store, words
from rnnrepro.cli import main
from rnnrepro.errors import Fault


def test_a_row_a_contender_with_the_machine_beside(measured):
    table = pq.read_table(measured / "bench.parquet")
    assert table.schema.remove_metadata() == store.SCHEMA
    bench = store.read(measured / "bench.parquet")
    machine = bench.machine
    assert machine["device"] == "cpu" and machine["quick"] and machine["cores"] >= 1
    assert {"torch", "numpy", "python", "rnnrepro"} <= set(machine["versions"])
    assert all(rate > 0 for rate in machine["product_rate"].values())
    assert machine["date"].endswith("+00:00")
    assert machine["left_out"]["gpu/lstm"] == "needs the device cuda"
    assert machine["left_out"]["matrix/exponential/512"] == "too large for --quick"
    assert [row["hidden"] for row in bench.rows if row["group"] == "matrix"] == [64, 64]
    contenders = {row["contender"] for row in bench.of("scan")["scan/tanh/3x20x60x120"]}
    assert {"plain", "nn.RNN", "products"} <= contenders
    assert all(row["rounds"] == 3 and 0 < row["minimum"] <= row["low"] <= row["median"] for row in bench.rows)
    assert [r["over_base"] for r in bench.rows if r["contender"] == "plain" and r["group"] == "scan"] == [1.0]


def test_json_says_the_same(measured):
    said = json.loads((measured / "bench.json").read_text(encoding="utf-8"))
    bench = store.read(measured / "bench.parquet")
    assert said["rows"] == bench.rows and said["machine"] == bench.machine
    assert {target["state"] for target in said["targets"]} == {"not measured here"}


def test_what_is_printed_names_cases_ratios_targets_and_files(tmp_path, capsys):
    words_ = [
        "bench",
        "--quick",
        "--device",
        "cpu",
        "--only",
        "scan/modrelu/3x20x*",
        "--output",
        str(tmp_path),
    ]
    assert main(words_) == 0
    text = capsys.readouterr().out
    for part in (
        "GFLOP/s on 1 thread",
        "scan/modrelu/3x20x60x120  (modReLU, 3 × 20 × 60 × 120; B 3, N 8, T 6, D 10)",
        "scan/modrelu/3x20x128x220",
        "1.00 [1.00–1.00]",
        "100 %",
        "– not measured here scan/modrelu/3x20x60x120, ≥ 4× the plain loop",
        f"{tmp_path}/bench.json",
    ):
        assert part in text
    assert "scan/lstm/3x20x60x120 " not in text


def test_names_are_listed_without_measuring(capsys):
    assert main(["bench", "--list", "step/*"]) == 0
    assert "step/nnrnn-copy\nstep/exprnn-copy\nstep/lstm-pixels\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["scan/lsdm/3x20x60x120"], "did you mean 'scan/lstm/3x20x60x120'?"),
        (["nothing/*"], "rnnrepro bench --list names them"),
        (["--seconds", "-1"], "--seconds takes a time of 0 or more, not -1"),
    ],
)
def test_bad_input_is_named(given, said, capsys):
    assert main(["bench", *given]) == 2
    assert said in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_named_before_anything_is_measured(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["bench", "--device", "cpu", "--output", str(tmp_path / "file" / "bench")]) == 2
    said = capsys.readouterr()
    assert "name another with --output" in said.err and said.out == ""


def test_a_gpu_that_is_not_there_is_named(monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["bench", "--device", "cuda", "step/nnrnn-copy"]) == 2
    assert "use --device cpu" in capsys.readouterr().err


def test_two_threads_are_left_out_where_there_is_one_core(monkeypatch, tmp_path):
    monkeypatch.setattr("rnnrepro.bench.machine.cores", lambda: 1)
    assert (
        main(["bench", "--quick", "--device", "cpu", "threads/lstm-pixels", "--output", str(tmp_path)]) == 0
    )
    bench = store.read(tmp_path / "bench.parquet")
    assert bench.rows == [] and bench.machine["left_out"] == {"threads/lstm-pixels": "needs 2 cores"}


def test_tiny_and_partial_benches_are_no_reference(measured, whole, tmp_path):
    with pytest.raises(Fault, match="tiny sizes"):
        store.adopt(measured, tmp_path / "reference")
    bench = store.read(whole / store.NAME)
    store.write(
        tmp_path / "part" / store.NAME, store.Bench(bench.rows, {**bench.machine, "only": ["scan/*"]})
    )
    with pytest.raises(Fault, match="some of the cases"):
        store.adopt(tmp_path / "part", tmp_path / "reference")
    assert not (tmp_path / "reference").exists()


def test_other_files_are_no_bench(tmp_path):
    with pytest.raises(Fault, match="no such results file"):
        store.read(tmp_path / "bench.parquet")
    records.write(tmp_path / "run.parquet", records.RUN_SCHEMA.empty_table(), {"key": "x"})
    with pytest.raises(Fault, match="not of a bench of this version"):
        store.read(tmp_path / "run.parquet")


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.234, "1.23 s"), (0.0456, "45.6 ms"), (0.9996, "1.00 s"), (0.000789, "789 µs"), (12.34e-6, "12.3 µs")],
)
def test_times_have_three_digits(value, text):
    assert words.seconds(value) == text
