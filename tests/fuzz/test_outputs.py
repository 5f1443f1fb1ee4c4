"""What a run of the pipeline leaves behind: no secret of the environment, and no markup of the settings' own."""

from __future__ import annotations

import gzip
import html.parser
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

ROOT = Path(__file__).parents[2]
EVIL = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&{{7*7}}{wildcards.paper}`id`$(touch pwned);\\"
)
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "hidden-key-4711",
    "GITHUB_TOKEN": "hidden-token-4712",
    "HTTPS_PROXY": "http://user:hidden-word-4713@127.0.0.1:9",
    "RNNREPRO_MIRROR": "hidden-mirror-4714",
    "PASSWORD": "hidden-password-4715",
}
WORDS = {
    "title",
    "caption",
    "label",
    "note",
    "extra",
    "protocol",
    "source",
    "text",
    "what",
    "why",
    "venue",
    "claim",
}


def tainted(tree, key=""):
    """The settings with markup, shell and templates behind every text that people read."""
    if isinstance(tree, dict):
        return {name: tainted(inner, name) for name, inner in tree.items()}
    if isinstance(tree, list):
        return [tainted(inner, key) for inner in tree]
    return f"{tree} {EVIL}" if key in {*WORDS, "authors"} and isinstance(tree, str) else tree


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder in which the tiny pipeline has run with tainted settings and secrets around it."""
    place = tmp_path_factory.mktemp("outputs")
    (place / "config" / "papers").mkdir(parents=True)
    (place / "hidden-mirror-4714").mkdir()
    source = ROOT / "tests" / "workflow" / "config"
    for path in source.rglob("*.*"):
        target = place / "config" / path.relative_to(source)
        target.parent.mkdir(exist_ok=True)
        text = path.read_text()
        if path.parent.name == "papers":
            text = yaml.safe_dump(tainted(yaml.safe_load(text)), sort_keys=False)
        target.write_text(text)
    command = [sys.executable, "-m", "snakemake", "--directory", str(place), "--cores", "2"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ
        | SECRETS
        | {"RNNREPRO_MIRROR": str(place / "hidden-mirror-4714"), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    (place / "said").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-3000:]
    return place


def texts(path: Path):
    """All that can be read in a file, of the packed ones too."""
    yield path.read_bytes()
    if path.suffix == ".parquet":
        yield repr(pq.read_schema(path).metadata).encode()
        yield pq.read_table(path).to_pandas().to_csv().encode()
    elif path.suffix == ".gz":
        yield gzip.decompress(path.read_bytes())


@pytest.mark.slow
def test_no_secret_of_the_environment_is_written_anywhere(place):
    files = [path for path in place.rglob("*") if path.is_file()]
    assert len(files) > 30
    assert [str(path) for path in files if any(b"hidden-" in text for text in texts(path))] == []


class Markup(html.parser.HTMLParser):
    """Notes what a browser would run or fetch."""

    def __init__(self):
        super().__init__()
        self.bad = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        fetched = [
            v for n, v in attrs if n in ("src", "href") and v and not v.startswith(("data:image/png", "#"))
        ]
        outside = [v for v in fetched if ":" in v.split("/")[0] and not v.startswith("https://")]
        if (
            tag in ("script", "iframe", "object", "link")
            or outside
            or any(n.startswith("on") for n in values)
        ):
            self.bad.append((tag, attrs))
        if tag == "img" and not (values.get("src") or "").startswith("data:image/png"):
            self.bad.append((tag, attrs))


@pytest.mark.slow
def test_words_of_the_settings_are_words_on_the_pages(place):
    pages = sorted((place / "results").rglob("*.html"))
    assert len(pages) > 5
    for page in pages:
        parser = Markup()
        parser.feed(page.read_text(encoding="utf-8"))
        assert parser.bad == [], page
    assert any("&lt;script&gt;alert(1)" in page.read_text(encoding="utf-8") for page in pages)
    assert not any("{49}" in page.read_text(encoding="utf-8") for page in pages)
    assert list(place.rglob("pwned")) == [] and not (ROOT / "pwned").exists()


@pytest.mark.slow
def test_a_proxys_password_is_not_said_when_a_download_fails(tmp_path):
    (tmp_path / "config" / "papers").mkdir(parents=True)
    command = [sys.executable, "-m", "rnnrepro", "data", "fetch", "mnist", "--config", str(ROOT / "config")]
    command += [f"--set=data={tmp_path}"]
    # A user's own proxies, which a name in small letters or an exception would prefer to the one of the test, go.
    own = {name for name in os.environ if name.lower().endswith("_proxy")}
    environment = {name: value for name, value in (os.environ | SECRETS).items() if name not in own}
    environment["HTTPS_PROXY"] = SECRETS["HTTPS_PROXY"]
    del environment["RNNREPRO_MIRROR"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("error: https://ossci-datasets")
    assert "hidden" not in done.stderr + done.stdout
