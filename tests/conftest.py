"""One thread, as every training job has: the promise of equal bits in any stack holds for one thread."""

from __future__ import annotations

import dataclasses
import io
import tarfile
import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

from rnnrepro.datasets import registry, timit

torch.set_num_threads(1)

# The examples are the same each time and no clock fails a test; `--hypothesis-profile=search` looks for new ones.
for name, same in (("search", False), ("suite", True)):
    settings.register_profile(
        name,
        derandomize=same,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Each test begins with one thread, whatever the one before has left."""
    torch.set_num_threads(1)


class Sounds:
    """Makes sound files, and corpora of them in upstream's layouts."""

    def sphere(self, samples: np.ndarray, rate: int = 16_000, **fields: str) -> bytes:
        """A NIST SPHERE file of 16-bit samples: a header of 1,024 bytes in text, and the samples, low byte first."""
        said = {
            "sample_count": f"-i {len(samples)}",
            "sample_n_bytes": "-i 2",
            "channel_count": "-i 1",
            "sample_byte_format": "-s2 01",
            "sample_rate": f"-i {rate}",
            "sample_coding": "-s3 pcm",
        } | fields
        lines = "".join(f"{name} {value}\n" for name, value in said.items())
        header = f"NIST_1A\n   1024\n{lines}end_head\n".encode()
        return header.ljust(1024) + np.asarray(samples, "<i2").tobytes()

    def wav(self, samples: np.ndarray, rate: int = 16_000) -> bytes:
        """A RIFF WAVE file of 16-bit samples."""
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(np.asarray(samples, "<i2").tobytes())
        return out.getvalue()

    def noise(self, name: str, count: int) -> np.ndarray:
        """So many samples that are always the same for a name, (n,) int16."""
        generator = np.random.default_rng(list(name.encode()))
        return generator.integers(-9000, 9000, count).astype(np.int16)

    def timit(
        self,
        folder: Path,
        speakers: dict[str, list[str]],
        *,
        lower: bool = False,
        riff: bool = False,
        same: bytes | None = None,
    ) -> None:
        """TIMIT's folders with ten sentences of each speaker of TRAIN and TEST, of many lengths or all the `same`."""
        for side, names in speakers.items():
            for i, speaker in enumerate(names):
                for j in range(10):
                    sentence = f"S{'AAIIIXXXXX'[j]}{i + j * 100 + 1}"
                    place = f"{side}/DR{i % 8 + 1}/{speaker}/{sentence}.WAV{'.wav' if riff else ''}"
                    path = folder / (place.lower() if lower else place)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    if same is not None:
                        path.write_bytes(same)
                        continue
                    samples = self.noise(speaker + sentence, 700 + 97 * j + 13 * (i % 5))
                    path.write_bytes(self.wav(samples) if riff else self.sphere(samples))
                    path.with_suffix(".PHN").write_text("0 700 h#\n")

    def digits(self, speakers: tuple[str, ...] = ("ann", "bob"), recordings: int = 12) -> dict[str, bytes]:
        """{`recordings/0_ann_3.wav`: content} for the digits 0 and 1, of different lengths."""
        names = [f"{d}_{s}_{i}" for d in range(2) for s in speakers for i in range(recordings)]
        lengths = [300 + 171 * (7 * k % 11) for k in range(len(names))]
        return {
            f"recordings/{name}.wav": self.wav(self.noise(name, count), 8000)
            for name, count in zip(names, lengths, strict=True)
        }


class Motion:
    """Makes archives of motion signals in UCI HAR's layout."""

    TOP = "UCI HAR Dataset"
    SIGNALS = tuple(f"{s}_{axis}" for s in ("body_acc", "body_gyro", "total_acc") for axis in "xyz")

    def arrays(self, sizes: dict[str, int], steps: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """{split: (signals (n, steps, 9), labels (n,) from 1 to 6)}, numbers that upstream's seven digits hold."""
        found = {}
        for i, (split, count) in enumerate(sizes.items()):
            generator = np.random.default_rng(i)
            scale = 10.0 ** np.arange(-4, 5) / 10.0
            drawn = scale * (generator.standard_normal((count, steps, 9)) + np.arange(9) / 3.0)
            rounded = np.array([float(f"{value:.7e}") for value in drawn.flat]).reshape(drawn.shape)
            found[split] = rounded, 1 + np.arange(count) * 5 % 6
        return found

    def texts(self, arrays: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, bytes]:
        """{path in the archive: content}: a line a window, numbers as `-1.8085150e-004` between two blanks."""
        found = {}
        for split, (signals, labels) in arrays.items():
            for i, name in enumerate(self.SIGNALS):
                rows = ["".join(f" {v: .7e}".replace("e-0", "e-00") for v in row) for row in signals[:, :, i]]
                path = f"{self.TOP}/{split}/Inertial Signals/{name}_{split}.txt"
                found[path] = "".join(f"{row}\n" for row in rows).encode()
            found[f"{self.TOP}/{split}/y_{split}.txt"] = "".join(f"{label}\n" for label in labels).encode()
        return found

    def zip(self, contents: dict[str, bytes]) -> bytes:
        """A deflated zip of {name: content}."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
        return out.getvalue()

    def tar(self, contents: dict[str, bytes]) -> bytes:
        """An unpacked tar of {name: content}."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name, content in contents.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        return out.getvalue()


@pytest.fixture(scope="session")
def motion() -> Motion:
    """Makes archives of motion signals."""
    return Motion()


@pytest.fixture(scope="session")
def sounds() -> Sounds:
    """Makes sound files and corpora."""
    return Sounds()


@pytest.fixture
def tiny_timit(monkeypatch, sounds, tmp_path):
    """The folder of a TIMIT of three training, two dev and one core speaker, as a licensee has it."""
    monkeypatch.setattr(timit, "DEV", ("FAKS0", "MGWT0"))
    monkeypatch.setattr(timit, "CORE", ("MDAB0",))
    sizes = {"train": 16, "train_all_speakers": 24, "dev": 16, "core": 8}
    longest = {"train": 700 + 97 * 9 + 26, "dev": 700 + 97 * 9 + 26, "core": 700 + 97 * 9 + 26}
    row = dataclasses.replace(registry.DATASETS["timit"], sizes=sizes, longest=longest)
    monkeypatch.setitem(registry.DATASETS, "timit", row)
    speakers = {"TRAIN": ["FCJF0", "MSAT1", "MDPK0"], "TEST": ["FAKS0", "MGWT0", "MDAB0"]}
    sounds.timit(tmp_path / "timit", speakers)
    return tmp_path / "timit"
