"""What the rules ask of a paper's exhibits and pages. No rule stands here."""

import csv
import hashlib
from dataclasses import asdict

from rnnrepro import fingerprint
from rnnrepro.exhibits import kind_of, made, unmade


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


@cache
def exhibits(paper, scale):
    """The exhibits of a paper that are made at a scale, as {name: exhibit}."""
    return made(PROJECT, scale, paper)


def exhibit(wildcards):
    """The exhibit of a file. Raises WorkflowError where it is not drawn at this scale."""
    name = wildcards.get("table") or wildcards.get("figure")
    found = exhibits(wildcards.paper, wildcards.scale)
    if name not in found:
        if why := unmade(PROJECT, wildcards.scale, wildcards.paper, name):
            raise WorkflowError(f"{wildcards.paper}/{name}: {why}")
        scales = ", ".join(PROJECT.paper(wildcards.paper).exhibits[name].scales)
        raise WorkflowError(
            f"{wildcards.paper}/{name} is not drawn at scale {wildcards.scale}, but at {scales}"
        )
    return name, found[name]


def cells_of_exhibit(wildcards):
    """The cells that an exhibit reads."""
    return read_by(wildcards.scale, wildcards.paper, exhibit(wildcards)[0])


@cache
def read_by(scale, paper, name):
    """The cells that the exhibit of a name reads."""
    return plan.exhibit_cells(PROJECT, scale, paper, name)


def settings_of_exhibit(wildcards):
    """Changes with all that the configuration says of an exhibit, its experiments and the reported values.

    The training code is among it, for an exhibit says which of its results were made by earlier code.
    """
    name, entry = exhibit(wildcards)
    said = [PROJECT.experiment(wildcards.paper, e, wildcards.scale) for e in entry.experiments]
    rows = [row for row in reported(wildcards.paper) if row["exhibit"] == (entry.reported or name)]
    if "published" in entry.options:
        rows += rows_of(f"{wildcards.paper}_curves.csv")
    trained = [one.fingerprint for one in cells_of_exhibit(wildcards)]
    return plan.digest([asdict(entry), [one and asdict(one) for one in said], rows, trained])


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
    return rows_of(f"{paper}.csv")


@cache
def rows_of(name):
    """The rows of a file of `config/reported`; none where it is not there."""
    path = PROJECT.folder / "reported" / name
    return list(csv.DictReader(path.open(encoding="utf-8"))) if path.exists() else []


@cache
def look(*files):
    """A fingerprint of files of the project and of the templates that all pages are made from."""
    templates = sorted((ROOT / "rnnrepro" / "exhibits" / "templates").iterdir())
    parts = [path.read_bytes() for path in [*templates, *(ROOT / name for name in files)]]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def benches():
    """The benches that the report may show: this machine's, and those that are kept."""
    folders = Path("results/bench"), PROJECT.folder.parent / "reference" / "bench"
    return [path.resolve() for folder in folders for path in sorted(folder.glob("*.parquet"))]


@cache
def code(*modules):
    """A fingerprint of modules and all that they import of the package."""
    return fingerprint.combined(fingerprint.modules(modules))


def settings_of_papers(wildcards):
    """Changes with all that the configuration says of a page's paper, or of the chosen ones, and reports of them."""
    papers = [wildcards.paper] if "paper" in wildcards.keys() else PROJECT.chosen
    return plan.digest([said_of(paper) for paper in papers])


@cache
def said_of(paper):
    """All that the configuration says of a paper and reports of it."""
    return [asdict(PROJECT.paper(paper)), reported(paper)]


def pages_of_exhibits(paper, scale):
    """The pages of all exhibits of a paper at a scale."""
    return [f"results/{scale}/{paper}/{name}.html" for name in exhibits(paper, scale)]


def page(paper):
    """The page of a paper at the chosen scale."""
    return f"results/{SCALE}/{paper}/index.html"
