"""What a case of the bench is, and what its contenders are made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from rnnrepro.bench.sizes import Sizes
from rnnrepro.bench.timing import Contender
from rnnrepro.scan import chosen
from rnnrepro.updates.base import Update


@dataclass(frozen=True)
class Setting:
    """Where the cases are measured: `device` "cpu" or "cuda"; `compiled` adds `torch.compile` to the scans."""

    device: str = "cpu"
    compiled: bool = False
    quick: bool = False


@dataclass(frozen=True)
class Case:
    """One comparison. `make` builds its contenders; `weight` multiplies the seconds that a case gets.

    `title` names the case in tables. `device` "" serves all devices; `threads` is what the machine must offer;
    `fixed` sizes are never made tiny.
    """

    name: str
    title: str
    sizes: Sizes
    make: Callable[[Sizes, Setting], Sequence[Contender]]
    weight: float = 1.0
    device: str = ""
    threads: int = 1
    fixed: bool = False

    @property
    def group(self) -> str:
        """What stands before the first stroke of the name: the table that the case belongs to."""
        return self.name.partition("/")[0]

    def contenders(self, setting: Setting) -> Sequence[Contender]:
        """The contenders, of tiny sizes where the setting is quick."""
        return self.make(self.measured(setting), setting)

    def measured(self, setting: Setting) -> Sizes:
        """The sizes that are measured."""
        return self.sizes.tiny() if setting.quick and not self.fixed else self.sizes


def engine(update: Update, W: Tensor) -> str | None:
    """The fast backend that serves `update` on the device of W, None where only the plain one does."""
    name = chosen("auto", update, W)
    return None if name == "plain" else name
