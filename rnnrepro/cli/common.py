"""Options that several commands share."""

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


def scale_option(parser: argparse.ArgumentParser) -> None:
    """--scale."""
    parser.add_argument("--scale", choices=SCALES, help="default: the scale in config.yaml")


def results_option(parser: argparse.ArgumentParser) -> None:
    """--results."""
    parser.add_argument("--results", type=Path, metavar="DIR", help="default: results/SCALE")


def results_of(args: argparse.Namespace, scale: str) -> Path:
    """The results folder of `scale` that the options name."""
    return args.results or Path("results", scale)


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


def project_of(args: argparse.Namespace) -> Project:
    """The project that the options name."""
    return load(args.config, overrides=changes_of(args.changes))


def scale_of(args: argparse.Namespace, project: Project) -> str:
    """The scale asked for, or the one in config.yaml."""
    return args.scale or project.user.scale


def changes_of(given: list[str]) -> dict[str, Any]:
    """`["seeds=3"]` -> {"seeds": 3}. Values are YAML."""
    changes = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not sign:
            raise Fault(f"--set {text}: expected KEY=VALUE")
        changes[key] = safe_yaml.parse(value, f"--set {key}")
    return changes
