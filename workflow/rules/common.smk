"""What the rules ask of the project: small functions of the wildcards over its plan. No rule stands here."""

import json
import os
import re
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
sys.path.insert(0, str(ROOT))

from rnnrepro import plan, project, safe_yaml
from rnnrepro.config import SCALES
from rnnrepro.datasets.registry import DATASETS as KNOWN_DATASETS
from rnnrepro.duration import duration
from rnnrepro.errors import Fault

# The jobs call `python -m rnnrepro` with the Python that runs Snakemake (a conda environment's, where one is
# activated, comes first), and find the package without its being installed.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    PYTHONPATH=os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
)


def one_of(names):
    """A pattern that matches exactly the given names; without any it matches nothing."""
    return "|".join(map(re.escape, sorted(set(names)))) or "(?!)"


def typed(value):
    """A value of `--config` as YAML means it: inside brackets, and for null, Snakemake hands on texts.

    A text that means a number, a truth value or null becomes that; any other stays as it is, whatever is in it.
    """
    if isinstance(value, dict):
        return {key: typed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [typed(inner) for inner in value]
    try:
        meant = safe_yaml.parse(value, "--config") if isinstance(value, str) else value
    except Fault:
        return value
    return value if isinstance(meant, (str, list, dict)) else meant


HANDED_ON = "RNNREPRO_OVERRIDES"


def overrides():
    """What `--config` gave.

    The jobs of a cluster get it in their environment: on the way to them Snakemake puts its command line between
    double quotes, where a shell expands what it finds in a value.
    """
    if not workflow.is_main_process:
        return json.loads(os.environ.get(HANDED_ON, "{}"))
    found = {key: typed(config[key]) for key in workflow.config_settings.config or {}}
    os.environ[HANDED_ON] = json.dumps(found)
    workflow.config_settings.config_args = None
    return found


def loaded():
    """The project, checked through at every scale; with faults in the configuration it says them all and ends."""
    try:
        config.update(overrides())
        found = project.load("config", overrides=config, by="--config")
        found.check()
        return found
    except Fault as fault:
        sys.exit(f"error: {fault}")  # Snakemake would say of an exception where in these rules it was raised


def changed():
    """What `--config` changed, as options of the command line."""
    place = Path("config", "config.yaml")
    given = project.read_yaml(place) if place.exists() else {}
    return [f"--set={k}={safe_yaml.line(v)}" for k, v in config.items() if k not in given or given[k] != v]


PROJECT = loaded()
SCALE = PROJECT.user.scale
DATA = PROJECT.user.data
DATASETS = [name for name, row in KNOWN_DATASETS.items() if row.files]
CHANGED = changed()


# What makes a job run again is in `params`, which Snakemake compares with those of the last time, leaving out the
# functions that take `threads`: so the functions below whose value must not matter to a result take it.


def changes(wildcards, threads):
    """The user's `--config` changes for a job's command line; those that matter to a cell are in its digest."""
    return CHANGED


@cache
def cells(scale, paper=None):
    """The cells of a paper (default: of the chosen ones) at a scale."""
    try:
        return plan.cells(PROJECT, scale, paper and [paper])
    except Fault as fault:
        raise WorkflowError(str(fault)) from None


def cell(wildcards):
    """The cell of a results file. Raises WorkflowError where the paper has none of the name at this scale."""
    # the wildcard `arm` is the cell's name, with the slice of a grid behind the arm's
    key = f"{wildcards.paper}/{wildcards.experiment}/{wildcards.arm}"
    for one in cells(wildcards.scale, wildcards.paper):
        if one.key == key:
            return one
    raise WorkflowError(f"{key} is not run at scale {wildcards.scale}; `rnnrepro list` shows what is")


def settings_of_cell(wildcards):
    """Changes with the resolved settings of any run of the cell."""
    return cell(wildcards).digest


def code_of_cell(wildcards):
    """Changes with the code that the cell is trained with.

    At scale paper, where a training costs days, a result stands as trained with the code that it was trained
    with, until `--config retrain=stale` asks for the present one.
    """
    one = cell(wildcards)
    result = Path("results", one.scale, one.path)
    if one.scale != "paper" or PROJECT.user.retrain == "stale" or not result.exists():
        return one.fingerprint
    from rnnrepro import checksums, records

    try:
        with records.reading(result):  # a file of another kind, without runs, is as good as damaged
            runs = records.provenance_of(result)["runs"]
            return "+".join(sorted({run["fingerprint"] for run in runs}))
    except checksums.Damaged:
        return one.fingerprint  # put together again, from the runs' own records
    except Fault as fault:
        raise WorkflowError(str(fault)) from None


def work_of_cell(wildcards, threads):
    """Runs, steps and estimated time, in words."""
    e = cell(wildcards).estimate
    return f"{e.runs} runs of {e.steps:,} steps, about {duration(e.seconds)} on one core"


def stamps(some_cells):
    """Proof that the data of the cells are there."""
    return sorted({f"{DATA}/{name}.sha256" for one in some_cells for name in one.data_sets})


def results(some_cells):
    """The results files of cells."""
    return [f"results/{one.scale}/{one.path}" for one in some_cells]


def costs(some_cells):
    """The cost tables of cells, but for those that only a new training could make again."""
    places = [(one, Path("results", one.scale)) for one in some_cells]
    return [
        str(place / one.cost_path)
        for one, place in places
        if (place / one.cost_path).exists() or not (place / one.path).exists() or is_kept(one)
    ]


def is_kept(one):
    """Whether the record of every run of a cell is in the state, so that its files can be put together again."""
    state = Path("state", one.scale)
    return all(any(state.glob(f"{run.digest}-*/record.parquet")) for run in one.runs)
