"""Predicting the next frame of speech, or recalling the last one: TIMIT's protocols, and an open stand-in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnnrepro.datasets import speech as corpora
from rnnrepro.errors import Fault, nearest
from rnnrepro.reduce import sum_per_run
from rnnrepro.tasks import frames as spectra
from rnnrepro.tasks.base import Batch, Task
from rnnrepro.tasks.shapes import SPEECH_SPLITS, frame_count
from rnnrepro.tasks.visits import Visits

EVALUATION_BATCH = 50
ALIGNMENTS = ("prediction", "padded", "recall")
AVERAGES = ("valid", "padded")


class Speech(Task):
    """Frames of log-magnitude spectra, one a step; the answer at each step is another frame of the utterance.

    `corpus`: `timit`, whose folder its licensee names, or the stand-in `fsdd`. `rate`, `window`, `hop`: see
    `frames.log_magnitudes`; `frames`: utterances are cut to their first so many. `alignment`: `prediction` reads
    frame t and gives t + 1, as long as both are the utterance's; `padded` makes the shift after the padding, so
    that the last frame's target is padding (stwisdom/urnn; used by scoRNN and scuRNN); `recall` reads t + 1 and
    gives t (Lezcano/expRNN and MomentumRNN as documented). A split is padded with −50 dB, the spectrum of
    silence, to its longest utterance. Squared error in dB², never of padding: `average` divides its sum by the
    frames that count (`valid`) or by all of the padded ones (`padded`), and both are measured. `train`, `dev`,
    `core`: so many utterances, evenly over the corpus, None for all; `drop_sa`: see `datasets.timit`. A run
    visits the training utterances in an order of its own, new each epoch. The chance level is that of the
    training set's mean spectrum.
    """

    readout_every = True
    loss = "squared_error"
    metrics = ("mse", "mse_valid", "mse_padded")

    def prepare(
        self,
        *,
        corpus: str,
        alignment: str,
        average: str,
        drop_sa: str,
        rate: int,
        window: int,
        hop: int,
        frames: int | None,
        train: int | None,
        dev: int | None,
        core: int | None,
    ) -> None:
        """Raises Fault for unknown words, unusable settings, and missing or damaged data."""
        for word, value, known in (("alignment", alignment, ALIGNMENTS), ("average", average, AVERAGES)):
            if value not in known:
                raise Fault(f"speech: unknown {word} {value!r}{nearest(str(value), known)}")
        spectra.check(rate=rate, window=window, hop=hop, frames=frames)
        counts = (("train", train), ("dev", dev), ("core", core))
        kept = _prepared(
            corpus, self.data, tuple(self.corpora.items()), drop_sa, rate, window, hop, frames, counts
        )
        self.alignment, self.average, self.facts = alignment, average, kept.facts
        self.input_size = self.output_size = window // 2 + 1
        self._frames = kept.frames.to(self.device)
        self._starts = {split: kept.starts[split].to(self.device) for split in SPEECH_SPLITS}
        self._lengths = {split: kept.lengths[split].to(self.device) for split in SPEECH_SPLITS}
        self._longest = kept.longest
        self.evaluation_splits = tuple(split for split in ("dev", "core") if len(kept.starts[split]))
        count = len(kept.starts["train"])
        self._visits = Visits("speech", count=count, batch=self.batch_size, reshuffle=True)
        self.steps_per_epoch = max(1, count // self.batch_size)
        self.chance = self._variance()

    def batch(self, step: int) -> Batch:
        """The training utterances of `step`."""
        return self._sequences("train", self._visits.at(step, self.seeds).to(self.device))

    def evaluation(self, split: str) -> Iterator[Batch]:
        """The utterances of a split in chunks, the same for all runs."""
        every = torch.arange(len(self._starts[split]), device=self.device)
        for chunk in every.split(EVALUATION_BATCH):
            one = self._sequences(split, chunk[None])
            runs = len(self.seeds)
            yield Batch(
                one.inputs.expand(runs, -1, -1, -1),
                one.targets.expand(runs, -1, -1, -1),
                lengths=one.lengths.expand(runs, -1),
            )

    def losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Squared error of each bin in dB², (S, T, B, K); 0, and no gradient, where the frame does not count."""
        steps = torch.arange(outputs.shape[1], device=outputs.device)
        counts = steps[None, :, None] < batch.lengths[:, None, :]
        return (outputs - batch.targets) ** 2 * counts.unsqueeze(-1)

    def loss_of(self, outputs: Tensor, batch: Batch, losses: Tensor | None = None) -> Tensor:
        """Mean loss of each run, (S,), as `average` says."""
        per_element = self.losses(outputs, batch) if losses is None else losses
        return sum_per_run(per_element) / self._terms(batch)[self.average].to(per_element.dtype)

    @torch.no_grad()
    def measure(
        self, outputs: Tensor, batch: Batch, losses: Tensor | None = None
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """Each metric as (sum (S,), number of terms (S,)), float64; runs have utterances of different lengths."""
        per_element = self.losses(outputs, batch) if losses is None else losses
        total, terms = sum_per_run(per_element.double()), self._terms(batch)
        return {
            "mse": (total, terms[self.average]),
            "mse_valid": (total, terms["valid"]),
            "mse_padded": (total, terms["padded"]),
        }

    def _terms(self, batch: Batch) -> dict[str, Tensor]:
        """How many squared errors each average divides by, (S,) float64."""
        valid = batch.lengths.sum(1).double() * self.output_size
        return {"valid": valid, "padded": torch.full_like(valid, batch.targets[0].numel())}

    def _sequences(self, split: str, which: Tensor) -> Batch:
        """The utterances `which` (S, B), in the task's alignment; one more frame of padding than there are steps."""
        starts, lengths = self._starts[split][which], self._lengths[split][which]
        more = 0 if self.alignment == "prediction" else 1
        steps = torch.arange(self._longest[split] + more, device=self.device)[None, :, None]
        padding = len(self._frames) - 1
        place = torch.where(steps < lengths[:, None], starts[:, None] + steps, padding)
        frames = self._frames[place]
        earlier, later = frames[:, :-1], frames[:, 1:]
        inputs, targets = (later, earlier) if self.alignment == "recall" else (earlier, later)
        return Batch(inputs, targets, lengths=lengths - 1 + more)

    def _variance(self) -> float:
        """The loss of the constant that is best on the training set."""
        total = square = terms = 0.0
        for chunk in torch.arange(len(self._starts["train"]), device=self.device).split(EVALUATION_BATCH):
            batch = self._sequences("train", chunk[None])
            steps = torch.arange(batch.targets.shape[1], device=self.device)
            targets = batch.targets[0][steps[:, None] < batch.lengths].double()
            total, square, terms = total + targets.sum(0), square + (targets**2).sum(0), terms + len(targets)
        variance = float((square / terms - (total / terms) ** 2).mean())
        if self.average == "valid":
            return variance
        return variance * terms / (len(self._starts["train"]) * batch.targets.shape[1])


class Prepared(NamedTuple):
    """`frames` (n + 1, bins), utterance after utterance and one of padding; by split the `starts` and `lengths` of
    its utterances in frames, and the `longest` that it is padded to; `facts` for the provenance."""

    frames: Tensor
    starts: Mapping[str, Tensor]
    lengths: Mapping[str, Tensor]
    longest: Mapping[str, int]
    facts: Mapping[str, Any]


@lru_cache(maxsize=1)
def _prepared(
    name: str,
    data: Path | None,
    folders: tuple[tuple[str, str], ...],
    drop_sa: str,
    rate: int,
    window: int,
    hop: int,
    frames: int | None,
    counts: tuple[tuple[str, int | None], ...],
) -> Prepared:
    """One copy of the frames for all stacks of a job."""
    corpus = corpora.load(name, data, dict(folders), drop_sa=drop_sa)
    checksum, found, starts, lengths, longest = corpora.Checksum(), [], {}, {}, {}
    for split, count in counts:
        before = len(found)
        for utterance in corpora.spread(corpus.splits[split], count):
            samples = corpus.read(utterance)
            checksum.add(utterance, samples)
            found.append(
                spectra.log_magnitudes(samples, corpus.rate, rate=rate, window=window, hop=hop, frames=frames)
            )
        lengths[split] = torch.tensor([len(one) for one in found[before:]], dtype=torch.int64)
        most = frame_count(corpus.longest[split], corpus.rate, rate=rate, window=window, hop=hop)
        longest[split] = most if frames is None else min(frames, most)
    ends = np.cumsum([0, *(len(one) for one in found)])
    at = 0
    for split, _ in counts:
        starts[split] = torch.from_numpy(ends[at : at + len(lengths[split])].astype(np.int64))
        at += len(lengths[split])
    if not len(starts["train"]):
        raise Fault("speech: there are no utterances to train on; give `train` at least 1")
    padding = np.full((1, window // 2 + 1), spectra.FLOOR_DECIBEL, np.float32)
    facts = {
        "utterances": {split: len(values) for split, values in lengths.items()},
        "frames": {split: int(values.sum()) for split, values in lengths.items()},
        "padded_to": longest,
        "samples_sha256": str(checksum),
    }
    return Prepared(torch.from_numpy(np.concatenate([*found, padding])), starts, lengths, longest, facts)
