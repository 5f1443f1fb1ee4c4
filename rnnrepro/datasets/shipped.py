"""Data that come with Python and with the dependencies: nothing to fetch, but versions may differ."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

from rnnrepro.errors import Fault

PYTHON_DOCS_TRAIN = 300_000


def digits_file() -> Path:
    """The CSV with scikit-learn's digits, found without importing it. Raises Fault if there is none."""
    package = importlib.util.find_spec("sklearn")
    for place in package.submodule_search_locations if package else ():
        file = Path(place) / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            return file
    raise Fault("digits: expected scikit-learn's digits.csv.gz, found none; install scikit-learn")


@functools.cache
def python_docs() -> dict[str, str]:
    """The topics of the Python documentation in the order of their names, joined by newlines, as splits.

    The first 300,000 characters to train on, half of the rest to validate, the other half to test. The text
    differs between Python versions. Raises Fault if this Python comes without it, or with too little of it.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise Fault(
            "python_docs: expected the module pydoc_data, found none; install the whole of Python's library"
        ) from error
    text = "\n".join(topics[name] for name in sorted(topics))
    middle = (PYTHON_DOCS_TRAIN + len(text)) // 2
    if len(text) < 1.2 * PYTHON_DOCS_TRAIN:
        raise Fault(
            f"python_docs: expected well over {PYTHON_DOCS_TRAIN:,} characters, found {len(text):,}; "
            "take a standard build of Python"
        )
    return {
        "train": text[:PYTHON_DOCS_TRAIN],
        "validation": text[PYTHON_DOCS_TRAIN:middle],
        "test": text[middle:],
    }
