"""Progress that a person can read: step, loss, speed and the time left; one line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from rnnrepro.duration import duration
from rnnrepro.training.state import TrainState

_EVERY_SECONDS = 10.0


class Progress:
    """Says how far a stack is: live on a terminal, a line every ten seconds in a log."""

    def __init__(
        self, what: str, seeds: Sequence[int], steps: int, first: int, say: Callable[[str], None]
    ) -> None:
        self.what, self.seeds, self.steps, self.first, self.say = what, list(seeds), steps, first, say
        self.live = sys.stderr.isatty()
        self.began = self.last = time.monotonic()
        say(
            f"{what}: {len(self.seeds)} runs (seeds {', '.join(map(str, dict.fromkeys(self.seeds)))}), "
            f"{steps - first} steps to go"
        )

    def show(self, state: TrainState) -> None:
        """Print where the stack stands if it is time to."""
        now = time.monotonic()
        if now - self.last < (0.5 if self.live else _EVERY_SECONDS):
            return
        self.last = now
        rate = (state.step - self.first) / (now - self.began)
        left = duration((self.steps - state.step) / rate)
        text = (
            f"{self.what}: step {state.step}/{self.steps}  {_losses(state)}  {rate:.1f} steps/s  {left} left"
        )
        if self.live:
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
        else:
            self.say(text)

    def ended(self, seed: int, point: str, status: str, step: int) -> None:
        """Say that a run has ended."""
        if self.live:
            print("\r\033[K", end="", file=sys.stderr)
        self.say(
            f"{self.what}: seed {seed}{f' {point}' if point else ''} {status} at step {step} "
            f"after {duration(time.monotonic() - self.began)}"
        )


def _losses(state: TrainState) -> str:
    metric = state.task.metrics[0]
    values = [curve[-1][1] for history in state.histories if (curve := history.curve("train", metric))]
    if not values:
        return ""
    return f"{metric} {sum(values) / len(values):.4f} ({min(values):.4f}–{max(values):.4f})"
