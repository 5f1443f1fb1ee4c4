"""The user's settings, held to their typed form."""

from __future__ import annotations

from pathlib import Path

import yaml

from rnnrepro.config import UserSettings

CONFIG = Path(__file__).parents[2] / "config"


def test_the_user_settings_explain_every_key_and_keep_its_default():
    text = (CONFIG / "config.yaml").read_text()
    given = yaml.safe_load(text)
    defaults = UserSettings()
    assert given == vars(defaults)
    blocks = [block.splitlines() for block in text.split("\n\n")[1:]]
    assert [block[-1].split(":")[0] for block in blocks] == list(given)
    assert all(block[0].startswith("# ") for block in blocks)


def test_the_readme_of_the_settings_names_every_key():
    readme = (CONFIG / "README.md").read_text()
    assert [key for key in vars(UserSettings()) if f"| `{key}` |" not in readme] == []
