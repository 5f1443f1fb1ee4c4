"""The fingerprint follows imports, and sees code but not words."""

from __future__ import annotations

from pathlib import Path

from rnnrepro import fingerprint, plan, project

ROOT = Path(__file__).parents[1]


def of(text: str, path: Path) -> str:
    path.write_text(text)
    fingerprint._read.cache_clear()
    return fingerprint._read(path)[0]


def test_comments_docstrings_and_layout_do_not_count(tmp_path):
    plain = of("def f(x):\n    return x + 1\n", tmp_path / "a.py")
    assert plain == of(
        '"""Doc."""\n\n\ndef f(x):\n    """Says."""\n    # why\n    return (x\n        + 1)\n',
        tmp_path / "b.py",
    )
    assert plain != of("def f(x):\n    return x + 2\n", tmp_path / "c.py")


def test_a_run_depends_on_the_loop_and_its_own_parts_and_on_nothing_that_plans_or_shows():
    cells = {c.key: c for c in plan.cells(project.load(ROOT / "config"), "quick")}
    modules = cells["enrnn/adding/scornn"].modules
    assert {
        "rnnrepro.training.loop",
        "rnnrepro.matrices.cayley",
        "rnnrepro.tasks.adding",
        "rnnrepro.scan.plain",
        "rnnrepro.optim.forms",
        "rnnrepro.reduce",
        "rnnrepro.streams",
    } <= modules.keys()
    for name in modules:
        assert not name.startswith(
            (
                "rnnrepro.exhibits",
                "rnnrepro.claims",
                "rnnrepro.cli",
                "rnnrepro.records",
                "rnnrepro.tables",
                "rnnrepro.plan",
                "rnnrepro.matrices.schur",
                "rnnrepro.tasks.copying",
                "rnnrepro.training.job",
            )
        ), name


def test_other_parts_give_other_fingerprints():
    cells = {c.key: c for c in plan.cells(project.load(ROOT / "config"), "quick")}
    assert cells["enrnn/adding/scornn"].fingerprint != cells["enrnn/adding/lstm"].fingerprint
