"""What commands share: their options, and the project, scale and folders that these name."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnrepro import safe_yaml
from rnnrepro.config import SCALES
from rnnrepro.errors import Fault
from rnnrepro.project import Project, load

if TYPE_CHECKING:
    from rnnrepro.plan import Cell
    from rnnrepro.watching.folder import Place


def project_options(parser: argparse.ArgumentParser) -> None:
    """--config and --set."""
    parser.add_argument(
        "--config", default="config", metavar="DIR", help="folder with config.yaml and papers/"
    )
    parser.add_argument(
        "--set",
        dest="changes",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting in place of config.yaml's; repeatable",
    )


def scale_options(parser: argparse.ArgumentParser) -> None:
    """--scale, --config and --set."""
    parser.add_argument("--scale", choices=SCALES, help="default: the scale in config.yaml")
    project_options(parser)


def results_options(parser: argparse.ArgumentParser) -> None:
    """--results, --scale, --config and --set."""
    parser.add_argument("--results", type=Path, metavar="DIR", help="default: results/SCALE")
    scale_options(parser)


def place_options(parser: argparse.ArgumentParser) -> None:
    """--state, --results, --scale, --config and --set."""
    parser.add_argument("--state", type=Path, metavar="DIR", help="default: state/SCALE")
    results_options(parser)


def project_of(args: argparse.Namespace) -> Project:
    """The project that the options name."""
    return load(args.config, overrides=changes_of(args.changes))


def scale_of(args: argparse.Namespace) -> tuple[Project, str]:
    """The project, and the scale asked for or else the one in config.yaml."""
    project = project_of(args)
    return project, args.scale or project.user.scale


def results_of(args: argparse.Namespace) -> tuple[Project, str, Path]:
    """The project, the scale and the folder of its results that the options name."""
    project, scale = scale_of(args)
    return project, scale, args.results or Path("results", scale)


def place_of(args: argparse.Namespace) -> tuple[Project, str, Place]:
    """The project, the scale, and where its results, state and logs are. Raises Fault for a folder there is not."""
    from rnnrepro.watching.folder import Place

    for option, given in (("--results", args.results), ("--state", args.state)):
        if given is not None and not given.is_dir():
            raise Fault(f"{option} {given}: no such folder")
    project, scale, results = results_of(args)
    return project, scale, Place.of(scale, results, args.state)


def check_settings(args: argparse.Namespace, results: Path, cells: Iterable[Cell]) -> None:
    """Raise Fault for results of other settings; a folder that --results names is taken as it is."""
    from rnnrepro import arms

    if args.results is None:
        arms.check_settings(cells, results)


def show_download(file: str, done: int, total: int) -> None:
    """Progress of a download, on one line."""
    print(
        f"\r\033[K{file}: {done / 1e6:.1f} of {total / 1e6:.1f} MB",
        end="" if done < total else "\n",
        file=sys.stderr,
        flush=True,
    )


def changes_of(given: list[str]) -> dict[str, Any]:
    """`["seeds=3"]` -> {"seeds": 3}. Values are YAML."""
    changes = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not sign:
            raise Fault(f"--set {text}: expected KEY=VALUE")
        changes[key] = safe_yaml.parse(value, f"--set {key}")
    return changes
