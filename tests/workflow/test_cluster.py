"""What SLURM is asked for: the lines of `sbatch`, with and without a site file, recorded by commands that stand in."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from rnnrepro import site, slurm
from rnnrepro.cli import train
from rnnrepro.errors import Fault

from .conftest import ROOT, Folder

PROFILE = (
    *("--profile", str(ROOT / "workflow" / "profiles" / "slurm")),
    *("--seconds-between-status-checks", "1", "--slurm-init-seconds-before-status-checks", "1"),
)
TARGETS = ("results/quick/runs/first/adding/lstm.parquet", "results/quick/first/fig_fisher.pdf")
FETCH = "resources/mnist.sha256"
CONFIG = "AccountingStorageType = accounting_storage/none\nMinJobAge = 300 sec\nMaxArraySize = 1001"
PARTITIONS = (
    "batch*|1-00:00:00|64000|(null)\nlong|7-00:00:00|64000|(null)\ncards|00:20:00|5000|gpu:a100:4(S:0-1)"
)
SITE = {
    "account": "lab",
    "cpu": {"partition": "long", "options": ["--nice=100"]},
    "gpu": {"partition": "cards", "qos": "short", "constraint": "fast", "type": "a100"},
    "attempts": 3,
}


@pytest.fixture
def cluster(monkeypatch, tmp_path) -> Path:
    """Commands of a cluster that refuses each job, for that job's sake alone; what sbatch was given."""
    calls = tmp_path / "calls"
    said = {
        "scontrol": f"echo '{CONFIG}'",
        "sinfo": f'case "$*" in *%G*) echo \'{PARTITIONS}\';; *) echo "batch*";; esac',
        "sacctmgr": "echo lab",
        "sacct": "exit 1",
        "squeue": "true",
    }
    for name, text in said.items():
        stand_in(tmp_path, name, text)
    sbatch(calls, "echo 'the stand-in takes no jobs' >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    return calls


def sbatch(calls: Path, answer: str) -> None:
    """Let sbatch write down what it is given, and answer so."""
    stand_in(calls.parent, "sbatch", f"printf '%s\\n' \"$*\" >> {shlex.quote(str(calls))}; {answer}")


def stand_in(place: Path, name: str, text: str) -> None:
    """A shell script in the place of a command of SLURM's."""
    path = place / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def submitted(folder: Folder, calls: Path, *arguments: str) -> dict[str, list[str]]:
    """The lines of sbatch in order, by rule."""
    said = folder.snakemake(*PROFILE, "--config", "device=auto", *arguments)
    assert calls.exists(), said.text
    lines: dict[str, list[str]] = {}
    for line in calls.read_text().splitlines():
        rule = line.partition("--comment rule_")[2].split("_")[0].split()[0]
        lines.setdefault(rule, []).append(line.partition(" --wrap=")[0])
        assert "trap '' TERM USR1 && " in line and "--executor slurm-jobstep" in line
    return lines


def test_lines_of_sbatch_by_a_site_file(cluster, own):
    (own.place / "config" / "site.yaml").write_text(yaml.safe_dump(SITE))
    lines = submitted(own, cluster, "--", *TARGETS, FETCH)
    assert {rule: len(found) for rule, found in lines.items()} == {"train": 1, "figure": 1, "fetch": 1}
    train = lines["train"]
    for line in train:
        for word in ("-A lab", "-p cards", "--qos=short", "-C fast", "--gpus=a100:1", "--cpus-per-task=1"):
            assert f" {word}" in line, line
        assert "--ntasks" not in line and "--nice" not in line
        assert f"{own.place}/logs/slurm/rule_train/quick_first_adding_lstm/%j.log" in line
    assert " -t 10 " in train[0] and " --mem 2000 " in train[0]
    for rule, minutes, memory in (("figure", 30, 2000), ("fetch", 120, 1000)):
        line = lines[rule][0]
        for word in ("-A lab", "-p long", "--nice=100", f"-t {minutes}", f"--mem {memory}", "--ntasks=1"):
            assert f" {word}" in line, line
        assert "--gpus" not in line and "--qos" not in line and " -C " not in line


@pytest.mark.slow
def test_each_attempt_asks_for_more_and_for_no_more_than_the_partition_has(cluster, own):
    (own.place / "config" / "site.yaml").write_text(yaml.safe_dump(SITE))
    jobs = shlex.quote(str(cluster.with_name("jobs")))
    sbatch(cluster, f"echo $$ >> {jobs}; echo $$")
    stand_in(cluster.parent, "squeue", f"sed 's/$/|FAILED/' {jobs}")
    lines = submitted(own, cluster, "--", TARGETS[0], FETCH)
    assert [line.split(" -t ")[1].split()[0] for line in lines["train"]] == ["10", "20", "20"]
    assert [line.split(" --mem ")[1].split()[0] for line in lines["train"]] == ["2000", "4000", "5000"]
    assert len(lines["fetch"]) == 2
    cluster.unlink()
    assert len(submitted(own, cluster, "minutes=1", "--", TARGETS[0])["train"]) == 1


def test_lines_of_sbatch_without_a_site_file_leave_the_choice_to_the_cluster(cluster, own):
    mirror = f"mirror=$(touch {own.place}/run_by_a_shell)"
    lines = submitted(own, cluster, "minutes=1", mirror, "--", *TARGETS)
    assert not (own.place / "run_by_a_shell").exists() and "mirror" not in cluster.read_text()
    assert {rule: len(found) for rule, found in lines.items()} == {"train": 1, "figure": 1}
    for line in (lines["train"][0], lines["figure"][0]):
        # the default partition has no GPU: none is asked for
        assert " -p batch" in line and " --ntasks=1" in line
        for word in (" -A ", "--qos", "-C ", "--gpus", "--signal"):
            assert word not in line, line


@pytest.mark.slow
def test_what_the_site_runs_here_is_no_job(cluster, own):
    (own.place / "config" / "site.yaml").write_text("here: [exhibits]\n")
    lines = submitted(own, cluster, "minutes=1", "--", *TARGETS)
    assert set(lines) == {"train"}
    assert (own.place / "results/quick/first/fig_fisher.pdf").exists()


def test_one_machine_takes_no_notice_of_the_site(own):
    (own.place / "config" / "site.yaml").write_text(yaml.safe_dump(SITE))
    said = own.dry("--", *TARGETS)
    assert said.jobs == {"train": 1, "figure": 1}, said.text


def test_faults_of_a_site_file_stop_the_pipeline_with_one_clear_error(own):
    (own.place / "config" / "site.yaml").write_text("cpu: {partitoin: long}\n")
    said = own.dry("--", *TARGETS)
    assert (
        said.status != 0
        and "config/site.yaml: cpu.partitoin: unknown key; did you mean 'partition'?" in said.text
    )
    assert "Traceback" not in said.text


def test_a_partition_that_the_cluster_has_not_is_refused_before_a_job_is_sent(cluster, own):
    (own.place / "config" / "site.yaml").write_text("cpu: {partition: 'long,lonk'}\n")
    said = own.snakemake(*PROFILE, "--", *TARGETS)
    words = "config/site.yaml: cpu.partition: this cluster has no partition 'lonk'; did you mean 'long'?"
    assert said.status != 0 and words in said.text, said.text
    assert not cluster.exists() and "Traceback" not in said.text


@pytest.mark.parametrize("given", [None, "batch", "cards,long", "long"])
def test_partitions_that_there_are_and_those_of_an_unknown_cluster_pass(given):
    slurm.check_partition("x", given, slurm.parsed(PARTITIONS.splitlines()))
    slurm.check_partition("x", "whatever", {})


def test_a_partition_that_there_is_not_is_told_with_those_that_there_are():
    there = slurm.parsed(PARTITIONS.splitlines())
    with pytest.raises(Fault, match=r"^x: this cluster has no partition 'q'; known: batch, cards, long$"):
        slurm.check_partition("x", "long,q", there)
    with pytest.raises(Fault, match=r"did you mean 'cards'\? \(there are: batch, cards, long\)$"):
        slurm.check_partition("x", "crads", there)


@pytest.mark.parametrize(
    ("sacctmgr", "sshare", "words"),
    [
        ("echo lab; echo Other", "exit 1", None),
        ("exit 1", "echo; echo LAB", None),
        ("exit 0", "exit 0", None),  # SLURM tells of none, and may take any
        ("echo labs", "exit 1", "x: .* has no account 'lab' on this cluster; did you mean 'labs'"),
        ("exit 1", "exit 1", "x: neither sacctmgr nor sshare tells of accounts here"),
    ],
)
def test_an_account_that_slurm_does_not_know_is_refused(cluster, sacctmgr, sshare, words):
    stand_in(cluster.parent, "sacctmgr", sacctmgr)
    stand_in(cluster.parent, "sshare", sshare)
    if words is None:
        slurm.check_account("x", "lab")
    else:
        with pytest.raises(Fault, match=words):
            slurm.check_account("x", "lab")


def test_what_a_user_hides_from_lists_is_asked_for_nevertheless(cluster, monkeypatch):
    monkeypatch.setenv("SINFO_PARTITION", "cards")
    monkeypatch.setenv("SLURM_CLUSTERS", "one")
    stand_in(cluster.parent, "sinfo", 'echo "p$SINFO_PARTITION$SLURM_CLUSTERS|infinite|1|(null)"')
    assert set(slurm.partitions()) == {"pone"}


def test_what_sbatch_refuses_for_good_is_not_asked_again_and_names_the_key(cluster, own):
    (own.place / "config" / "site.yaml").write_text(yaml.safe_dump(SITE))
    refusal = "Batch job submission failed: Invalid qos specification"
    sbatch(cluster, f"echo 'sbatch: error: {refusal}' >&2; exit 1")
    text = own.snakemake(*PROFILE, "--config", "device=auto", "--", *TARGETS).text
    calls = cluster.read_text().splitlines()
    assert 1 <= len(calls) <= 2, calls  # two are submitted at a time
    assert text.count("Error in rule") == 1 and "Trying to restart" not in text
    end = text.partition("To go on")[2]
    assert f"SLURM refused a job: {refusal}. Mend in config/site.yaml: " in end and ".qos (now " in end, text


@pytest.mark.slow
def test_what_slurm_cannot_take_now_is_submitted_later_and_costs_no_attempt(cluster, own):
    (own.place / "config" / "site.yaml").write_text("attempts: 1\n")
    refusal = "Batch job submission failed: Socket timed out on send/recv operation"
    # the same job is refused for good when it is submitted again
    sbatch(
        cluster,
        f"[ $(wc -l < {shlex.quote(str(cluster))}) = 1 ] && echo '{refusal}' >&2 || echo no >&2; exit 1",
    )
    text = own.snakemake(*PROFILE, "--", TARGETS[0]).text
    first, again = cluster.read_text().splitlines()
    assert f"SLURM takes no job now, and is asked again: {refusal}" in text
    assert first == again and "--attempt 1 " in first


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("account: lab; rm -rf x", "account: 'lab; rm -rf x' is no name"),
        ("account: 12", "account: expected a text"),
        ("cpu: {partition: $(id)}", "cpu.partition"),
        ("gpu: {qos: 'a b'}", "gpu.qos"),
        ("gpu: {constraint: 'a&b'}", "gpu.constraint"),
        ("gpu: {type: 'a100:2'}", "gpu.type"),
        ("cpu: {options: ['--nice=1 --wrap=x']}", "cpu.options: '--nice=1 --wrap=x' is no option"),
        ("cpu: {options: ['--time=1']}", "--time is set by the pipeline itself"),
        ("cpu: {options: [7]}", "cpu.options[0]"),
        ("cpu: {hours: 0}", "cpu.hours: 0.0 is below the least allowed"),
        ("attempts: 0", "attempts: 0 is below"),
        ("here: [exhibit]", "here: unknown value 'exhibit'; did you mean 'exhibits'?"),
        ("status: qstat", "status: unknown value 'qstat'"),
        ("[1, 2]", "expected a mapping"),
        ("cpu: [", "not valid YAML"),
        ("cpu: long", "cpu: expected a mapping"),
    ],
)
def test_faults_of_a_site_file(tmp_path, text, words):
    place = tmp_path / "site.yaml"
    place.write_text(text + "\n")
    with pytest.raises(Fault) as caught:
        site.load(place)
    assert words in str(caught.value) and str(place) in str(caught.value)


def test_the_projects_site_file_leaves_everything_to_the_cluster(tmp_path):
    place = ROOT / "config" / "site.yaml"
    assert site.load(place) == site.load(tmp_path / "none.yaml") == site.Site()
    said = yaml.safe_load(place.read_text())
    assert set(said) == set(site.Site.__dataclass_fields__)
    assert set(said["gpu"]) == set(site.GpuJobs.__dataclass_fields__)
    (tmp_path / "site.yaml").write_text("cpu:\n  # all comments\n")
    assert site.load(tmp_path / "site.yaml") == site.Site()


def test_partitions_as_sinfo_shows_them():
    found = slurm.parsed(
        [*PARTITIONS.splitlines(), "long|7-00:00:00|128000+|gpu:2", "open|infinite|n/a|(null)", "?"]
    )
    assert found[""] == found["batch"] == slurm.Partition(24 * 60, 64000, gpus=False)
    assert found["long"] == slurm.Partition(7 * 24 * 60, 128000, gpus=True)
    assert found["open"] == slurm.Partition(None, None, gpus=False)
    assert found["cards"].gpus and set(found) == {"", "batch", "long", "cards", "open"}


def test_times_as_slurm_writes_them():
    times = {
        "1-02:03:04": 93784,
        "04:00:00": 14400,
        "30:00": 1800,
        "0:07": 7,
        "UNLIMITED": None,
        "INVALID": None,
        "": None,
    }
    assert {time: slurm.seconds(time) for time in times} == times


@pytest.mark.parametrize(
    ("storage", "command"),
    [("accounting_storage/slurmdbd", "sacct"), ("accounting_storage/none", "squeue"), ("(null)", "squeue")],
)
def test_finished_jobs_are_looked_up_where_the_cluster_keeps_them(storage, command):
    config = (
        f"AccountingStorageHost = x\nAccountingStorageType   = {storage}\nMinJobAge               = 120 sec\n"
    )
    assert slurm.status_command(config) == (command, 120)


def test_a_cluster_that_forgets_jobs_before_they_are_looked_at_is_refused():
    slurm.check_memory_of_jobs(300)
    with pytest.raises(Fault, match="MinJobAge"):
        slurm.check_memory_of_jobs(60)


def test_time_left_outside_a_job_is_unknown(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert slurm.seconds_left() is None


@pytest.mark.parametrize(
    ("options", "config", "minutes"),
    [
        ([], None, None),
        (["--minutes=7"], 3.0, 7.0),
        ([], 3.0, 3.0),
        (["--until=1600"], None, 10.0),
        (["--until=1600", "--minutes=7"], None, 7.0),
        (["--until=1600"], 30.0, 10.0),
        (["--until=900"], 30.0, 0.0),
    ],
)
def test_a_training_stops_at_the_time_of_day_that_its_job_has_and_within_the_users_minutes(
    monkeypatch, options, config, minutes
):
    monkeypatch.setattr(train.time, "time", lambda: 1000.0)
    parser = argparse.ArgumentParser()
    train.arguments(parser)
    given = parser.parse_args(["a/b", "--model", "c", *options])
    assert train.budget(given, SimpleNamespace(user=SimpleNamespace(minutes=config))) == minutes
