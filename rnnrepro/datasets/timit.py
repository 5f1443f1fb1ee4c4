"""TIMIT (LDC93S1) from the folder of its licensee: which of its utterances are train, dev and core.

Only the standard library is imported before an utterance is read, so that a plan can name the corpus it is for.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rnnrepro.datasets.registry import lacking, row
from rnnrepro.errors import Fault, nearest

if TYPE_CHECKING:
    import numpy as np

    from rnnrepro.datasets.speech import Corpus

_CORE = """
MDAB0 MWBT0 FELC0 MTAS1 MWEW0 FPAS0 MJMP0 MLNT0 FPKT0 MLLL0 MTLS0 FJLM0
MBPM0 MKLT0 FNLP0 MCMJ0 MJDH0 FMGD0 MGRT0 MNJM0 FDHC0 MJLN0 MPAM0 FMLD0
"""
_DEV = """
FAKS0 FDAC1 FJEM0 MGWT0 MJAR0 MMDB1 MMDM2 MPDF0 FCMH0 FKMS0 MBDG0 MBWM0 MCSH0 FADG0 FDMS0 FEDW0 MGJF0
MGLB0 MRTK0 MTAA0 MTDT0 MTHC0 MWJG0 FNMR0 FREW0 FSEM0 MBNS0 MMJR0 MDLS0 MDLF0 MDVC0 MERS0 FMAH0 FDRW0
MRCS0 MRJM4 FCAL1 MMWH0 FJSJ0 MAJC0 MJSW0 MREB0 FGJD0 FJMG0 MROA0 MTEB0 MJFC0 MRJR0 FMML0 MRWS1
"""
CORE = tuple(_CORE.split())
"""The speakers of TIMIT's core test set: two men and a woman of each dialect region."""
DEV = tuple(_DEV.split())
"""The 50 development speakers of Kaldi's recipe (egs/timit/s5/conf/dev_spk.list), all of TEST, none of them in CORE."""
DROPS = ("substring", "sentences")
_PLACE = re.compile(r"(?:.*/)?((?:TRAIN|TEST)/DR[1-8]/[FM][A-Z]{3}\d/S[AIX]\d{1,4})\.WAV(?:\.WAV)?")
_DEPTH = 8
_HEAD = 4096


def load(folder: str | None, drop_sa: str) -> Corpus:
    """The corpus in `folder`. Raises Fault where it is missing, incomplete or damaged, saying what is expected."""
    from rnnrepro.datasets import audio
    from rnnrepro.datasets.speech import Corpus

    found = utterances(folder)
    splits = {
        "train": training_utterances(found, drop_sa),
        "dev": _of_speakers(found, DEV),
        "core": _of_speakers(found, CORE),
    }
    _check(splits, folder, drop_sa)

    def read(name: str) -> np.ndarray:
        return audio.parse(_bytes(found[name]), str(found[name]), rate=row("timit").sample_rate)

    def longest(names: tuple[str, ...]) -> int:
        return max(audio.declared(_bytes(found[name], _HEAD)) or 0 for name in names)

    judged = longest(tuple(name for name in found if name.startswith("TEST/") and not _sentence(name)))
    return Corpus(
        splits=splits,
        read=read,
        rate=row("timit").sample_rate,
        longest={"train": longest(splits["train"]), "dev": judged, "core": judged},
    )


@cache
def utterances(folder: str | None) -> Mapping[str, Path]:
    """{`TRAIN/DR1/FCJF0/SI1027`: file} in order, by names in upper or lower case, ending in .wav or .WAV.wav.

    Where an utterance is there in both forms the first counts. Raises Fault if there is no folder or none of them.
    """
    if not folder:
        raise Fault(lacking("timit"))
    if not Path(folder).is_dir():
        raise Fault(f"timit: {folder}: expected a folder, found none; correct `corpora: {{timit: …}}`")
    found: dict[str, Path] = {}
    for place, folders, files in os.walk(folder):
        if len(Path(place).relative_to(folder).parts) >= _DEPTH:
            folders.clear()
        folders.sort()
        for file in sorted(files, key=lambda name: (len(name), name)):
            match = _PLACE.fullmatch(Path(place, file).relative_to(folder).as_posix().upper())
            if match:
                found.setdefault(match[1], Path(place, file))
    if not found:
        raise Fault(
            f"timit: {folder}: expected utterances such as TRAIN/DR1/FCJF0/SI1027.WAV in it, found none; "
            "name the folder that holds TIMIT's TRAIN and TEST"
        )
    return dict(sorted(found.items()))


@cache
def listing(folder: str | None) -> str:
    """SHA-256 of the names and sizes of the utterances: tells at once whether another corpus is meant."""
    lines = [f"{name} {path.stat().st_size}\n" for name, path in utterances(folder).items()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def training_utterances(found: Mapping[str, Path], drop_sa: str) -> tuple[str, ...]:
    """The utterances of TRAIN without the two SA sentences that every speaker reads.

    `sentences`: those alone are dropped, 3,696 are left. `substring`: the test of the literature's code, `sa`
    anywhere in the path, which drops 7 speakers such as MSAT1 as well: 3,640 are left, the 130 batches of 28 of
    stwisdom/urnn, whose preparation the others took over. Raises Fault for another word.
    """
    if drop_sa not in DROPS:
        raise Fault(f"timit: unknown drop_sa {drop_sa!r}{nearest(drop_sa, DROPS)}")
    kept = [name for name in found if name.startswith("TRAIN/") and not _sentence(name)]
    return tuple(name for name in kept if drop_sa == "sentences" or "SA" not in name.split("/")[2])


def _sentence(name: str) -> bool:
    return name.rsplit("/", 1)[1].startswith("SA")


def _of_speakers(found: Mapping[str, Path], speakers: tuple[str, ...]) -> tuple[str, ...]:
    chosen = [n for n in found if n.startswith("TEST/") and n.split("/")[2] in speakers and not _sentence(n)]
    return tuple(chosen)


def _check(splits: Mapping[str, tuple[str, ...]], folder: str | None, drop_sa: str) -> None:
    """Raise Fault, with the speakers that are missing, unless each split has the utterances that it must have."""
    sizes = row("timit").sizes
    expected = {**sizes, "train": sizes["train_all_speakers" if drop_sa == "sentences" else "train"]}
    faults = []
    for split, names in splits.items():
        if len(names) != expected[split]:
            there = {name.split("/")[2] for name in names}
            gone = [s for s in {"dev": DEV, "core": CORE}.get(split, ()) if s not in there]
            who = f", no speaker {', '.join(gone[:5])}{' …' if len(gone) > 5 else ''}" if gone else ""
            faults.append(f"expected {expected[split]:,} utterances of {split}, found {len(names):,}{who}")
    if faults:
        raise Fault(f"timit: {folder}: {'; '.join(faults)}; name a complete copy of LDC93S1")


def _bytes(path: Path, most: int = -1) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(most)
    except OSError as error:
        raise Fault(f"{path}: cannot be read ({error.strerror or error})") from None
