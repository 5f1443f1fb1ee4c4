"""What is known of each paper, held to itself: parts, exhibits and claims refer to what there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rnnrepro import exhibits, plan, project, tables
from rnnrepro.claims import verdicts
from rnnrepro.config import SCALES, VALIDATION, Arm

PROJECT = project.load(Path(__file__).parents[2] / "config")
PAPERS = list(PROJECT.papers)


def arms_at_each_scale() -> Iterator[tuple[str, str, str, str, Arm]]:
    for paper in PAPERS:
        for name in PROJECT.papers[paper].experiments:
            for scale in SCALES:
                experiment = PROJECT.experiment(paper, name, scale)
                for arm, settings in (experiment.models if experiment else {}).items():
                    yield paper, name, scale, arm, settings


def named(model: str, part: str, settings: Arm) -> set[str]:
    """The arguments of a part that the arm names, or the row of its model."""
    return {*getattr(settings, part), *tables.row("model", model).defaults.get(part, {})}


def initialisers_of(kind: str) -> set[str]:
    """The arguments of a matrix that name how it starts."""
    return {"init", "phases", "reflections"} & set(tables.row("matrix", kind).arguments)


def test_every_initialiser_of_every_network_is_named():
    lacking = []
    for paper, name, scale, arm, settings in arms_at_each_scale():
        model = settings.model or arm.split(".")[0]
        kind = settings.matrix.get("kind", tables.row("model", model).matrix)
        if (
            not {"init", "bias"} <= named(model, "drive", settings)
            or not {"init", "bias"} <= named(model, "readout", settings)
            or not initialisers_of(kind) <= named(model, "matrix", settings)
            or (settings.embedding and "init" not in settings.embedding)
        ):
            lacking.append(f"{paper}/{name}/{arm} at {scale}")
    assert not lacking


def test_orthogonal_coordinates_have_a_rate_of_their_own_wherever_there_are_any():
    constrained = ("scornn", "exprnn", "nnrnn", "enrnn", "scurnn")
    lacking = [
        f"{paper}/{name}/{arm} at {scale}"
        for paper, name, scale, arm, settings in arms_at_each_scale()
        if (settings.model or arm.split(".")[0]) in constrained
        and arm != "enrnn.short_only"
        and "orthogonal" not in settings.groups
    ]
    assert not lacking


def test_phases_and_unitary_matrices_have_a_rate_of_their_own_wherever_there_are_any():
    groups = {"scurnn": "phases", "urnn_fc": "unitary"}
    lacking = [
        f"{paper}/{name}/{arm} at {scale}"
        for paper, name, scale, arm, settings in arms_at_each_scale()
        if (group := groups.get(settings.model or arm.split(".")[0])) and group not in settings.groups
    ]
    assert not lacking


def test_a_scale_never_changes_what_a_network_is():
    changed = []
    for paper, name, scale, arm, settings in arms_at_each_scale():
        own = PROJECT.experiment(paper, name, "paper")
        if own is None or arm not in own.models:
            continue
        reference = own.models[arm]
        sizes = ("short", "negative")
        kept = [
            (
                {k: v for k, v in a.matrix.items() if k not in sizes},
                a.drive,
                a.update,
                a.readout,
                set(a.groups),
            )
            for a in (settings, reference)
        ]
        if kept[0] != kept[1]:
            changed.append(f"{paper}/{name}/{arm} at {scale}")
    assert not changed


def test_data_that_stand_in_for_others_are_named_so_and_are_experiments_of_their_own():
    for paper in PAPERS:
        for name in PROJECT.papers[paper].experiments:
            used = [e for scale in SCALES if (e := PROJECT.experiment(paper, name, scale))]
            sets = {
                next((e.task[k] for k in ("images", "text", "corpus", "signals") if k in e.task), None)
                for e in used
            }
            assert len(sets) == 1, f"{paper}/{name} reads {sets}"
            stand_ins = {"digits", "python_docs", "fsdd", "uci_har_subset"}
            assert all(bool(e.stand_in) == (sets <= stand_ins) for e in used), f"{paper}/{name}"


def test_every_experiment_says_what_a_reader_must_know():
    for paper in PAPERS:
        for name in PROJECT.papers[paper].experiments:
            for scale in SCALES:
                experiment = PROJECT.experiment(paper, name, scale)
                if experiment:
                    assert experiment.protocol and experiment.source and experiment.early_warning, (
                        f"{paper}/{name}"
                    )
                    assert all(arm.label for arm in experiment.models.values()), f"{paper}/{name}"


def test_every_exhibit_has_a_template_and_cells_at_each_of_its_scales():
    for paper in PAPERS:
        for name, exhibit in PROJECT.papers[paper].exhibits.items():
            kind = exhibits.kind_of(exhibit.kind)
            assert set(exhibit.options) <= set(kind.options), f"{paper}/{name}"
            explained = {*exhibit.scales, *exhibit.missing} >= set(SCALES)
            assert explained or exhibit.number == "not in the paper", f"{paper}/{name}: why is it missing?"
            for scale in exhibit.scales if exhibit.experiments else []:
                if licensed(paper, exhibit.experiments, scale):
                    continue
                found = plan.exhibit_cells(PROJECT, scale, paper, name)
                assert found, f"{paper}/{name} at {scale} shows nothing"


def licensed(paper: str, names: list[str], scale: str) -> bool:
    """Whether all of it reads data that only its owner can supply."""
    used = [e for name in names if (e := PROJECT.experiment(paper, name, scale))]
    return bool(used) and all(plan.lacking(PROJECT, e) for e in used)


def test_every_exhibit_shows_arms_that_exist():
    for paper in PAPERS:
        for name, exhibit in PROJECT.papers[paper].exhibits.items():
            own = [PROJECT.experiment(paper, e, scale) for e in exhibit.experiments for scale in SCALES]
            known = {arm for e in own if e for arm in (*e.models, *e.absent)}
            assert set(exhibit.models) <= known, f"{paper}/{name}"


def test_every_measurement_that_an_exhibit_shows_is_taken():
    needed = {
        "schur": "schur_form",
        "spectrum": "spectrum",
        "forgetting": "forgetting",
        "gradients": "gradient_flow",
        "gradient_image": "gradient_history",
        "profile": "hidden_chain",
        "modrelu_gain": "modrelu_gain",
    }
    for paper in PAPERS:
        for name, exhibit in PROJECT.papers[paper].exhibits.items():
            for experiment in exhibit.experiments if exhibit.kind in needed else []:
                for scale in SCALES:
                    settings = PROJECT.experiment(paper, experiment, scale)
                    assert settings is None or needed[exhibit.kind] in settings.analyses, f"{paper}/{name}"


def test_every_exhibit_and_claim_reads_splits_and_statistics_that_are_recorded():
    for paper in PAPERS:
        entries = [
            (e, scale, entry)
            for entry in PROJECT.papers[paper].exhibits.values()
            for e in entry.experiments
            for scale in entry.scales
            if entry.kind in ("table", "curves")
        ]
        entries += [
            (c.experiment, scale, c)
            for claim in PROJECT.papers[paper].claims.values()
            for scale in SCALES
            if (c := verdicts.at_scale(claim, scale)) and not c.not_run
        ]
        for name, scale, entry in entries:
            experiment = PROJECT.experiment(paper, name, scale)
            if experiment is None or entry.metric == "residual":
                continue
            splits = {"train", *experiment.training.splits, *(["analysis"] if experiment.analyses else [])}
            assert entry.split in splits, f"{paper}/{name} at {scale}: {entry.split}"
            assert entry.statistic != "at_best_validation" or splits & set(VALIDATION), f"{paper}/{name}"


def test_every_claim_is_about_arms_that_are_run_or_says_why_not():
    for paper in PAPERS:
        for name, claim in PROJECT.papers[paper].claims.items():
            assert claim.not_run or claim.scales, f"{paper}/{name} is evaluated nowhere"
            for scale in SCALES:
                here = verdicts.at_scale(claim, scale, f"{paper}/{name}")
                if here is None or here.not_run:
                    continue
                experiment = PROJECT.experiment(paper, here.experiment, scale)
                assert experiment is not None, f"{paper}/{name} at {scale}"
                assert {*here.arms, *here.than} <= set(experiment.models), f"{paper}/{name} at {scale}"


def test_claims_on_an_lstm_that_fails_say_within_how_many_steps():
    for paper in PAPERS:
        for name, claim in PROJECT.papers[paper].claims.items():
            for scale in claim.scales:
                here = verdicts.at_scale(claim, scale, name)
                if here.kind == "fails" and any(arm.startswith("lstm") for arm in here.arms):
                    assert "ithin" in here.text and "steps" in here.text, (
                        f"{paper}/{name} at {scale}: {here.text}"
                    )


def test_no_claim_of_nnrnn_is_judged_on_digits():
    claims = PROJECT.papers["nnrnn"].claims.values()
    judged = {verdicts.at_scale(c, s).experiment for c in claims for s in c.scales}
    assert "digits_permuted" not in judged
