"""The long short-term memory (Hochreiter and Schmidhuber 1997; with forget gate, Gers et al. 2000)."""

from __future__ import annotations

from collections.abc import Mapping

from rnnrepro.updates.base import Update
from rnnrepro.updates.stage import Stage
from rnnrepro.updates.words import sigmoid, tanh


def lstm(i, f, g, o, c, forget_offset):
    i = sigmoid(i)
    f = sigmoid(f + forget_offset)
    g = tanh(g)
    o = sigmoid(o)
    c_next = f * c + i * g
    t = tanh(c_next)
    return o * t, c_next, i, f, g, o, t, c


def lstm_back(dh, dc, i, f, g, o, t, c_before):
    dc_next = dc + dh * o * (1.0 - t * t)
    di = dc_next * g * i * (1.0 - i)
    df = dc_next * c_before * f * (1.0 - f)
    dg = dc_next * i * (1.0 - g * g)
    do = dh * t * o * (1.0 - o)
    return di, df, dg, do, dc_next * f


class LSTM(Update):
    """c' = σ(f + forget_offset) c + σ(i) tanh(g); h' = σ(o) tanh(c').

    The columns of W and of z are the gates i, f, g, o in PyTorch's order, each N wide. The state is (h, c).
    The gates' biases belong to the drive; `forget_offset` is the constant that TensorFlow's cell adds to f.
    """

    stages = (
        Stage(
            lstm,
            lstm_back,
            inputs=("i", "f", "g", "o"),
            saves=("i", "f", "g", "o", "t", "c_before"),
            gradients=("i", "f", "g", "o", "c"),
        ),
    )
    state = (("h",), ("c",))

    def __init__(self, forget_offset: float = 0.0) -> None:
        self.forget_offset = forget_offset

    @property
    def constants(self) -> Mapping[str, float]:
        return {"forget_offset": self.forget_offset}
