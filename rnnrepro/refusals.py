"""What `sbatch` says when it takes no job: whether a later time may be better, and which keys of the site file to mend.

The texts are those of SLURM's own table of errors; a site's submission plugin may say anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rnnrepro.site import Site

MOST_IN_A_ROW = 10
"""So many jobs refused one after the other, each perhaps for a reason of its own: then all are taken to be."""
FIRST_PAUSE, _LONGEST_PAUSE, _PATIENCE = 10.0, 60.0, 86_400.0

_PASSES = re.compile(
    "unable to contact slurm|timed out|zero bytes|unexpected message|communication|message (send|receive)|rate limit|"
    "try again|temporarily|standby mode|submitjob|required partition not available|authenticat|munge|connection|"
    "unable to connect|unable to open|presently disabled|submissions disabled|internal error",
    re.I,
)
# What is complained of, the keys that it may come from, and whether it is so for every job that goes to that place.
_CAUSES = (
    (
        "partition specified|partition name|default partition|not permitted to use this partition",
        "partition",
        True,
    ),
    (r"account or account/partition|account .* (invalid|no account)", "account partition", True),
    ("wckey|licen[cs]e|node name|option|argument|reservation", "options", True),
    ("invalid qos", "qos account", True),
    ("feature|constraint", "constraint", True),
    (r"\(gres\)|gres spec", "type", True),
    ("maxwall|time limit (is invalid|spec)", "hours qos", False),
    ("memory|maxmem", "memory_gb qos", False),
    (
        "node configuration|more processors|partition configuration",
        "memory_gb type constraint partition",
        False,
    ),
    ("accounting/qos policy", "qos hours memory_gb account", False),
)


@dataclass(frozen=True)
class Refusal:
    """What sbatch said, in one line, and what to make of it.

    passes: a later time may be better. keys: of the site file, the likeliest first; none where it is not known.
    every: the same would be said of every job that goes to the same place.
    """

    sentence: str
    passes: bool = False
    keys: tuple[str, ...] = ()
    every: bool = False


def read(text: str) -> Refusal:
    """The refusal in the executor's error, whose own words and command line stand around those of sbatch."""
    inside = re.search(r"The error message was '(.*?)'\.?\s*(\n +sbatch call:|\Z)", text, re.S)
    said = inside[1] if inside else text.partition("with exception: ")[2] or text
    lines = [re.sub(r"^sbatch: (error: )?", "", line.strip()) for line in said.splitlines()]
    sentence = "; ".join(line for line in lines if line and not line.startswith("Try "))
    if _PASSES.search(sentence):
        return Refusal(sentence, passes=True)
    for pattern, keys, every in _CAUSES:
        if re.search(pattern, sentence, re.I):
            return Refusal(sentence, keys=tuple(keys.split()), every=every)
    return Refusal(sentence)


def pauses() -> Iterator[float]:
    """Seconds to wait before each asking, from none to a minute, for a day."""
    yield 0.0
    pause, waited = FIRST_PAUSE, 0.0
    while waited < _PATIENCE:
        yield pause
        waited, pause = waited + pause, min(2 * pause, _LONGEST_PAUSE)


@dataclass
class Refused:
    """The refusals of a pipeline, and whether they are to end it."""

    site: Site
    place: str
    over: bool = False
    in_a_row: int = 0
    lines: list[str] = field(default_factory=list)

    def taken(self) -> None:
        """SLURM has taken a job."""
        self.in_a_row = 0

    def add(self, refusal: Refusal, group: str) -> None:
        """SLURM has refused a job for good that was to go where the site's `group` ("cpu" or "gpu") says."""
        self.in_a_row += 1
        self.over = self.over or refusal.every or self.in_a_row >= MOST_IN_A_ROW
        line = f"{refusal.sentence.rstrip('.')}. {self._mend(refusal.keys, group)}"
        if line not in self.lines:
            self.lines.append(line)

    def _mend(self, keys: tuple[str, ...], group: str) -> str:
        found = []
        for key in keys:
            owner, name = (
                (self.site, key) if key == "account" else (getattr(self.site, group), f"{group}.{key}")
            )
            if hasattr(owner, key):  # the CPU's jobs have no type of GPU
                found.append((getattr(owner, key) or None, name))
        # what somebody has set is likelier to be wrong
        found.sort(key=lambda pair: pair[0] is None)
        words = [f"{name} (now {'null' if value is None else value})" for value, name in found]
        if not words:
            return f"What jobs ask for stands in {self.place}; docs/cluster.md"
        return f"Mend in {self.place}: {' or '.join(words)}"

    def words(self) -> Iterator[str]:
        """Each refusal once, with the keys to mend."""
        for line in self.lines:
            yield f"SLURM refused a job: {line}"
