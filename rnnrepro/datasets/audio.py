"""Reading sound files: RIFF WAVE and NIST SPHERE, through libsndfile (soundfile)."""

from __future__ import annotations

import io
import re
import struct

import numpy as np

from rnnrepro.errors import Fault

_SPHERE = b"NIST_1A\n"
_COUNT = re.compile(rb"^sample_count -i (\d{1,12})\s*$", re.MULTILINE)
_WIDTH = 2  # bytes of a sample
_FORMATS = {"WAV", "WAVEX", "NIST"}


def parse(content: bytes, name: str, *, rate: int) -> np.ndarray:
    """The samples (n,) int16 of a sound file of 16 bits in one channel at `rate` Hz.

    `name` stands in the messages. Raises Fault for any other format, for damage, and for fewer samples than the
    header says; nothing is allocated from sizes that the contents do not bear out.
    """
    import soundfile  # here, so that only those who read sound need libsndfile

    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            found = (file.format in _FORMATS, file.subtype, file.channels, file.samplerate)
            if found != (True, "PCM_16", 1, rate):
                raise Fault(
                    f"{name}: expected a WAVE or SPHERE file of 16 bits, one channel, {rate:,} Hz, found "
                    f"{file.format} {file.subtype}, {file.channels} channels, {file.samplerate:,} Hz"
                )
            if not 0 < file.frames <= len(content) // _WIDTH:
                raise Fault(
                    f"{name}: truncated or damaged: {file.frames:,} samples in {len(content):,} bytes"
                )
            samples = file.read(dtype="int16")
    except soundfile.LibsndfileError as error:
        raise Fault(
            f"{name}: expected a WAVE or SPHERE file, found it damaged ({error.error_string})"
        ) from error
    expected = declared(content)
    if expected is not None and expected != len(samples):
        raise Fault(f"{name}: truncated: expected {expected:,} samples, found {len(samples):,}")
    return samples


def declared(content: bytes) -> int | None:
    """The number of samples that the header speaks of, or None: libsndfile takes what there is without a word.

    The beginning of a file is enough.
    """
    if content.startswith(_SPHERE):
        found = _COUNT.search(content[:1024])
        return int(found[1]) if found else None
    place = 12
    while place + 8 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, place)
        if kind == b"data":
            return size // _WIDTH
        place += 8 + size + size % 2
    return None
