"""Print the JSON schema of config/config.yaml, made from the typed settings:

rnnrepro schema > workflow/schemas/config.schema.yaml
"""

from __future__ import annotations

import argparse

import yaml

from rnnrepro.config import UserSettings
from rnnrepro.typed import schema

NAME = "schema"
HELP = "the schema of config/config.yaml"


def arguments(parser: argparse.ArgumentParser) -> None:
    """No options."""


def run(args: argparse.Namespace) -> int:
    """Print the schema."""
    print(text(), end="")
    return 0


def text() -> str:
    """The schema as YAML, in the order of the settings."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings that a user edits in config/config.yaml or gives to `--config`",
    }
    note = "# Written by `rnnrepro schema`; change rnnrepro/config.py and run it again.\n"
    return note + yaml.safe_dump(head | schema(UserSettings), sort_keys=False, allow_unicode=True, width=110)
