import hashlib
import subprocess
import sys
from importlib.resources import files

import pytest

from rnnrepro.datasets.provenance import digest, required
from rnnrepro.datasets.registry import DATASETS
from rnnrepro.errors import Fault


def test_a_task_names_the_data_it_reads():
    assert required("copying", {}) == []
    assert required("adding", {"length": 30}) == []
    assert required("pixels", {}) == ["digits"]
    assert required("pixels", {"images": "mnist"}) == ["mnist"]
    assert required("characters", {}) == ["ptb_char"]
    assert required("characters", {"text": "python_docs"}) == ["python_docs"]
    assert required("speech", {}) == ["fsdd"]
    assert required("speech", {"corpus": "timit"}) == ["timit"]
    assert required("activity", {}) == ["uci_har"]  # the subset is read only where it is named
    assert required("activity", {"signals": "uci_har_subset"}) == ["uci_har_subset"]


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("pixels", {"images": "mnst"}, "unknown data set of images 'mnst'; did you mean 'mnist'"),
        ("characters", {"text": "digits"}, "unknown data set of characters 'digits'"),
    ],
)
def test_data_that_are_unknown_or_not_for_the_task_are_a_fault(kind, settings, said):
    with pytest.raises(Fault, match=said):
        required(kind, settings)


def test_digests_are_the_pinned_ones_or_those_of_what_is_installed():
    from pydoc_data.topics import topics

    assert digest("mnist") == {file.name: file.sha256 for file in DATASETS["mnist"].files}
    csv = files("sklearn.datasets.data").joinpath("digits.csv.gz").read_bytes()
    assert digest("digits") == {"digits.csv.gz": hashlib.sha256(csv).hexdigest()}
    text = "\n".join(topics[name] for name in sorted(topics))
    assert digest("python_docs") == {"pydoc_data.topics": hashlib.sha256(text.encode()).hexdigest()}


def test_every_data_set_has_a_digest():
    for name in (name for name, entry in DATASETS.items() if not entry.supplied_by_user):
        assert all(len(sha) == 64 for sha in digest(name).values())
        assert digest(name)


def test_without_scikit_learn_the_digits_are_a_fault_that_says_so(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Fault, match=r"digits: expected scikit-learn's digits.csv.gz, found none; install"):
        digest("digits")


def test_planning_modules_import_nothing_heavy():
    code = (
        "import sys; from rnnrepro.datasets import fetch, provenance; from rnnrepro.tasks import sizes;"
        "provenance.digest('digits'); provenance.digest('python_docs');"
        "sizes.shape({'kind': 'characters', 'text': 'python_docs'}, 32); sizes.shape({'kind': 'activity'}, 64);"
        "print([m for m in ('torch', 'numpy', 'pandas', 'sklearn') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
