"""What sbatch says when it takes no job, as SLURM 22.05 says it, and what a user is told of it."""

from __future__ import annotations

from itertools import islice

import pytest

from rnnrepro import refusals, site

FAILED = "sbatch: error: Batch job submission failed: "
POLICY = f"{FAILED}Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"
WHOLE = """SLURM sbatch failed. The error message was '{}'.
    sbatch call:
        sbatch --qos=short -A lab --mem 2000 --time 10 --wrap="the connection timed out"
"""
SITE = site.Site(account="lab", gpu=site.GpuJobs(partition="cards", type="a100"))


@pytest.mark.parametrize(
    ("said", "keys", "every"),
    [
        (
            f"sbatch: error: invalid partition specified: x\n{FAILED}Invalid partition name specified",
            "partition",
            True,
        ),
        (f"{FAILED}Invalid account or account/partition combination specified", "account", True),
        (f"{FAILED}Invalid qos specification", "qos", True),
        (f"{FAILED}Invalid feature specification", "constraint", True),
        (f"{FAILED}Invalid node name specified", "options", True),
        (
            "sbatch: unrecognized option '--bogus=1'\nTry \"sbatch --help\" for more information",
            "options",
            True,
        ),
        ("sbatch: error: Invalid generic resource (gres) specification", "type", True),
        (f"{FAILED}Requested time limit is invalid (missing or exceeds some limit)", "hours", False),
        (f"sbatch: error: QOSMaxWallDurationPerJobLimit\n{POLICY}", "hours", False),
        (f"sbatch: error: QOSMaxMemoryPerJob\n{POLICY}", "memory_gb", False),
        (
            f"sbatch: error: Memory specification can not be satisfied\n{FAILED}"
            "Requested node configuration is not available",
            "memory_gb",
            False,
        ),
        (f"{FAILED}Requested node configuration is not available", "memory_gb", False),
        (f"sbatch: error: QOSGrpCpuLimit\n{POLICY}", "qos", False),
    ],
)
def test_what_is_refused_for_good_names_the_likeliest_key_first(said, keys, every):
    found = refusals.read(WHOLE.format(said))
    assert (found.keys[0], found.every, found.passes) == (keys, every, False), found
    assert "sbatch" not in found.sentence and "\n" not in found.sentence
    assert found.sentence and found.sentence.split("; ")[-1] in said


@pytest.mark.parametrize(
    "said",
    [
        f"{FAILED}Socket timed out on send/recv operation",
        f"{FAILED}Unable to contact slurm controller (connect failure)",
        f"{FAILED}Zero Bytes were transmitted or received",
        f"{FAILED}Protocol authentication error",
        f"{FAILED}Slurm backup controller in standby mode",
        f"{FAILED}Required partition not available (inactive or drain)",
        f"{FAILED}Resource temporarily unavailable",
        f"sbatch: error: AssocMaxSubmitJobLimit\n{POLICY}",
        f"sbatch: error: QOSMaxSubmitJobPerUserLimit\n{POLICY}",
    ],
)
def test_what_a_later_time_may_mend_is_told_apart(said):
    assert refusals.read(WHOLE.format(said)).passes


def test_what_a_site_says_in_its_own_words_is_for_good_and_the_command_line_is_no_part_of_it():
    found = refusals.read(WHOLE.format("sbatch: error: please ask the help desk"))
    assert found == refusals.Refusal("please ask the help desk")
    told = "Job submission failed with exception: The given account x appears to be invalid. Available accounts:\nlab"
    assert refusals.read(told).keys[0] == "account"


def told(*said: str, group: str = "gpu") -> refusals.Refused:
    refused = refusals.Refused(SITE, "config/site.yaml")
    for text in said:
        refused.add(refusals.read(WHOLE.format(FAILED + text)), group)
    return refused


def test_the_keys_that_somebody_has_set_stand_first_with_their_values():
    (line,) = told("Requested node configuration is not available").words()
    assert line == (
        "SLURM refused a job: Batch job submission failed: Requested node configuration is not available. Mend in "
        "config/site.yaml: gpu.type (now a100) or gpu.partition (now cards) or gpu.memory_gb (now null) or "
        "gpu.constraint (now null)"
    )
    (line,) = told("Requested node configuration is not available", group="cpu").words()
    assert "type" not in line and "cpu.memory_gb (now null)" in line
    (line,) = told("ask the help desk").words()
    assert line.endswith("What jobs ask for stands in config/site.yaml; docs/cluster.md")


def test_one_refusal_ends_all_where_it_is_of_every_job_and_many_in_a_row_else():
    assert told("Invalid qos specification").over
    big = "Requested node configuration is not available"
    some = told(*[big] * (refusals.MOST_IN_A_ROW - 1))
    assert not some.over and len(list(some.words())) == 1
    some.taken()
    some.add(refusals.read(big), "gpu")
    assert not some.over
    assert told(*[big] * refusals.MOST_IN_A_ROW).over


def test_one_that_passes_is_asked_for_at_once_then_ever_less_often_and_not_for_ever():
    assert list(islice(refusals.pauses(), 5)) == [0.0, 10.0, 20.0, 40.0, 60.0]
    assert 86_400 <= sum(refusals.pauses()) < 87_000
