"""What the rules ask of the project: small functions of the wildcards over its plan. No rule stands here."""

import csv
import hashlib
import json
import os
import sys
from dataclasses import asdict
from functools import cache
from math import ceil
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
sys.path.insert(0, str(ROOT))

from rnnrepro import fingerprint, plan, project
from rnnrepro.config import SCALES
from rnnrepro.datasets.registry import DATASETS as KNOWN_DATASETS
from rnnrepro.duration import duration
from rnnrepro.errors import Fault
from rnnrepro.exhibits import kind_of

# The jobs call `python -m rnnrepro` with the Python that runs Snakemake (a conda environment's, where one is
# activated, comes first), and find the package without its being installed.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    PYTHONPATH=os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
)


def one_of(names):
    """A pattern that matches exactly the given names; without any it matches nothing."""
    return "|".join(sorted(set(names))) or "(?!)"


def loaded():
    """The project, checked through at every scale; raises every fault of the configuration in one message."""
    try:
        found = project.load("config", overrides=config)
        found.check()
        return found
    except Fault as fault:
        raise WorkflowError(f"the configuration has faults\n{fault}") from None


def changed():
    """What `--config` changed, as options of the command line."""
    place = Path("config", "config.yaml")
    given = project.read_yaml(place) if place.exists() else {}
    return [f"--set={k}={json.dumps(v)}" for k, v in config.items() if k not in given or given[k] != v]


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
    from rnnrepro import records

    return "+".join(sorted({run["fingerprint"] for run in records.provenance_of(result)["runs"]}))


def work_of_cell(wildcards, threads):
    """Runs, steps and estimated time, in words."""
    e = cell(wildcards).estimate
    return f"{e.runs} runs of {e.steps:,} steps, about {duration(e.seconds)} on one core"


def minutes_of_cell(wildcards, attempt):
    """A time limit for a cluster: three times the estimate, more at each attempt."""
    return attempt * max(10, ceil(3 * cell(wildcards).estimate.seconds / 60))


def gpus(wildcards):
    """One GPU, unless training on the processor was asked for."""
    return 0 if PROJECT.user.device == "cpu" else 1


def stamps(some_cells):
    """Proof that the data of the cells are there."""
    return sorted({f"{DATA}/{name}.sha256" for one in some_cells for name in one.data_sets})


def is_figure(exhibit):
    """Whether the exhibit has a figure beside its numbers."""
    return kind_of(exhibit.kind).figure


def is_table(exhibit):
    """Whether the exhibit is numbers alone."""
    return not is_figure(exhibit)


def after_its_paper(chosen):
    """A pattern of the names of the chosen exhibits, each only behind the folder of its own paper.

    One paper's table may have the name of another's figure, and neither is `index`.
    """
    papers = {key: [n for n, e in p.exhibits.items() if chosen(e)] for key, p in PROJECT.papers.items()}
    return "|".join(f"(?<=/{key}/)(?:{one_of(names)})" for key, names in papers.items())


def exhibits(paper, scale):
    """The exhibits of a paper that are drawn at a scale, as {name: exhibit}."""
    return {n: e for n, e in PROJECT.paper(paper).exhibits.items() if scale in e.scales}


def exhibit(wildcards):
    """The exhibit of a file. Raises WorkflowError where it is not drawn at this scale."""
    name = wildcards.get("table") or wildcards.get("figure")
    found = exhibits(wildcards.paper, wildcards.scale)
    if name not in found:
        scales = ", ".join(PROJECT.paper(wildcards.paper).exhibits[name].scales)
        raise WorkflowError(
            f"{wildcards.paper}/{name} is not drawn at scale {wildcards.scale}, but at {scales}"
        )
    return name, found[name]


def results(some_cells):
    """The results files of cells."""
    return [f"results/{one.scale}/{one.path}" for one in some_cells]


def results_of_exhibit(wildcards):
    """The results files that an exhibit reads."""
    name, _ = exhibit(wildcards)
    return results(plan.exhibit_cells(PROJECT, wildcards.scale, wildcards.paper, name))


def settings_of_exhibit(wildcards):
    """Changes with all that the configuration says of an exhibit, its experiments and the reported values."""
    name, entry = exhibit(wildcards)
    said = [PROJECT.experiment(wildcards.paper, e, wildcards.scale) for e in entry.experiments]
    rows = [row for row in reported(wildcards.paper) if row["exhibit"] == (entry.reported or name)]
    return plan.digest([asdict(entry), [one and asdict(one) for one in said], rows])


def code_of_exhibit(wildcards):
    """Changes with the code that draws an exhibit, its notebook and the look of its page."""
    kind = exhibit(wildcards)[1].kind
    modules = code("rnnrepro.cli.exhibit", kind_of(kind).path.split(":")[0])
    return f"{modules} {look(f'workflow/notebooks/{kind}.ipynb')}"


def title_of_exhibit(wildcards):
    """What an exhibit shows, for its caption."""
    return exhibit(wildcards)[1].title


def caption_of_exhibit(wildcards):
    """What to see in an exhibit, for its caption."""
    return exhibit(wildcards)[1].caption


@cache
def reported(paper):
    """The rows of the paper's reported values."""
    path = PROJECT.folder / "reported" / f"{paper}.csv"
    return list(csv.DictReader(path.open(encoding="utf-8"))) if path.exists() else []


@cache
def look(*files):
    """A fingerprint of files of the project and of the templates that all pages are made from."""
    templates = sorted((ROOT / "rnnrepro" / "exhibits" / "templates").iterdir())
    parts = [path.read_bytes() for path in [*templates, *(ROOT / name for name in files)]]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


@cache
def code(*modules):
    """A fingerprint of modules and all that they import of the package."""
    return fingerprint.combined(fingerprint.modules(modules))


def settings_of_papers(wildcards):
    """Changes with all that the configuration says of a page's paper, or of the chosen ones, and reports of them."""
    papers = [wildcards.paper] if "paper" in wildcards.keys() else PROJECT.chosen
    return plan.digest([[asdict(PROJECT.paper(paper)), reported(paper)] for paper in papers])


def pages_of_exhibits(paper, scale):
    """The pages of all exhibits of a paper at a scale."""
    return [f"results/{scale}/{paper}/{name}.html" for name in exhibits(paper, scale)]


def page(paper):
    """The page of a paper at the chosen scale."""
    return f"results/{SCALE}/{paper}/index.html"
