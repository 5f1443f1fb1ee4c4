"""Inputs accumulated with Nesterov's momentum and scheduled restarts (Nguyen et al., NeurIPS 2020, Section 2).

c_t = m/(m + 3) with m = (t − 1) mod F, the steps since the last restart: 0, 1/4, 2/5, … up to (F − 1)/(F + 2).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from rnnrepro.drives.biases import TwoBiases
from rnnrepro.drives.filters import filter_of, number_a_run
from rnnrepro.drives.projection import Embedded, Factored, Stepped, Z, factored
from rnnrepro.errors import Fault, nearest

PHASES = ("sequence", "chunk")


class _Scheduled(TwoBiases):
    """A drive with c_t; see `Restart` for its arguments."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        width: int,
        *,
        generators: Sequence[Generator],
        epsilon: float | Sequence[float],
        period: int | Sequence[int],
        phase: str,
        **start: object,
    ) -> None:
        super().__init__(input_size, hidden_size, width, generators=generators, **start)
        if phase not in PHASES:
            raise Fault(f"phase is 'sequence' or 'chunk', not {phase!r}{nearest(str(phase), PHASES)}")
        periods = number_a_run("period", period, len(generators), low=1)
        if any(number != int(number) for number in periods):
            raise Fault(f"period is a whole number of steps, not {periods}")
        self.phase = phase
        self.numbers("epsilon", number_a_run("epsilon", epsilon, len(generators)))
        self.numbers("period", periods)

    def schedule(
        self, time: int, batch: int, state: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[Tensor, ...], tuple[Tensor, ...]]:
        """c (S, T) in float64, `state` without its last part, the phase, and the phase (S, B, 1) afterwards.

        Where the phase restarts with each chunk there is none in the state. The sequences of a batch are in phase.
        """
        carried = self.phase == "sequence"
        own, since = (state[:-1], state[-1]) if carried and state else (state, None)
        period = self.period.double()[:, None]
        passed = torch.zeros_like(period) if since is None else since.detach()[:, 0].round().double()
        m = (passed + torch.arange(time + 1, device=period.device)) % period
        after = m[:, None, -1:].expand(-1, batch, -1).to(self.weight.dtype)
        return m[:, :-1] / (m[:, :-1] + 3), own, (after,) if carried else ()


class Restart(_Scheduled):
    """z_t = v_t + b_h, v_t = c_t v_{t−1} + ε g_t, g_t = x_t U + b_x: the printed form.

    `epsilon` and `period` F, a whole number of steps, are one number or one a run; the biases and `forget` as in
    `TwoBiases`. `phase`: "sequence" carries the steps since the last restart from chunk to chunk of a sequence;
    "chunk" restarts with each chunk, as the released language model does, so that the chunks matter. The state is v,
    (S, B, M), and the phase, (S, B, 1), if it is carried. Raises Fault.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        width: int,
        *,
        generators: Sequence[Generator],
        init: str = "glorot_normal",
        fan_in: int | str | None = None,
        fan_out: int | str | None = None,
        bias: str | None = None,
        outside: str | None = None,
        forget: float = 0.0,
        epsilon: float | Sequence[float] = 1.0,
        period: int | Sequence[int] = 2,
        phase: str = "sequence",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        start = {"init": init, "fan_in": fan_in, "fan_out": fan_out, "bias": bias, "outside": outside}
        own = {"forget": forget, "epsilon": epsilon, "period": period, "phase": phase, "dtype": dtype}
        super().__init__(input_size, hidden_size, width, generators=generators, **start, **own)

    def forward(self, x: Tensor | Embedded, state: tuple[Tensor, ...] = ()) -> tuple[Z, tuple[Tensor, ...]]:
        c, own, after = self.schedule(x.shape[1], x.shape[2], state)
        v, last = self.filtered(x, filter_of(c, self.epsilon, self.weight), own[0] if own else None)
        return self.behind(v), (last, *after)


class Descent(Restart):
    """z_t = b_h − ε g_t with c_t as the number `momentum` a step, for updates that keep y_t = h W + z_t themselves.

    The form of the released code, where the momentum takes in the recurrent product too. Arguments as in `Restart`;
    the state is the phase alone, if it is carried. Raises Fault.
    """

    def forward(self, x: Tensor | Embedded, state: tuple[Tensor, ...] = ()) -> tuple[Z, tuple[Tensor, ...]]:
        c, _, after = self.schedule(x.shape[1], x.shape[2], state)
        g, rate = factored(x, self.weight, self.bias), self.epsilon[:, None]
        biases = [] if g.bias is None else [-rate * g.bias]
        biases += [] if self.outside is None else [self.outside]
        z = Factored(g.x, -rate[..., None] * g.weight, sum(biases[1:], biases[0]) if biases else None)
        return Stepped(z, {"momentum": c.to(self.weight.dtype)}), after
