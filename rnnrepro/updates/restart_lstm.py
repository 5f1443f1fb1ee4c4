"""The LSTM with the restarted momentum of the released code (`NesterovLSTMCell` of Nguyen et al., NeurIPS 2020)."""

from __future__ import annotations

from rnnrepro.updates.base import Update
from rnnrepro.updates.stage import Stage
from rnnrepro.updates.words import sigmoid, tanh


def restart_lstm(i, f, g, o, c, yi, yf, yg, yo, momentum):
    ei = i - yi
    ef = f - yf
    eg = g - yg
    eo = o - yo
    si = sigmoid(i + momentum * ei)
    sf = sigmoid(f + momentum * ef)
    tg = tanh(g + momentum * eg)
    so = sigmoid(o + momentum * eo)
    c_next = sf * c + si * tg
    t = tanh(c_next)
    return so * t, c_next, i, f, g, o, si, sf, tg, so, t, c, ei, ef, eg, eo


def restart_lstm_back(dh, dc, dyi, dyf, dyg, dyo, si, sf, tg, so, t, c_before, ei, ef, eg, eo, momentum):
    dc_next = dc + dh * so * (1.0 - t * t)
    ai = dc_next * tg * si * (1.0 - si)
    af = dc_next * c_before * sf * (1.0 - sf)
    ag = dc_next * si * (1.0 - tg * tg)
    ao = dh * t * so * (1.0 - so)
    ui = dyi + ai + momentum * ai
    uf = dyf + af + momentum * af
    ug = dyg + ag + momentum * ag
    uo = dyo + ao + momentum * ao
    dmomentum = ai * ei + af * ef + ag * eg + ao * eo
    return (
        ui,
        uf,
        ug,
        uo,
        dc_next * sf,
        -momentum * ai,
        -momentum * af,
        -momentum * ag,
        -momentum * ao,
        dmomentum,
    )


class RestartLSTM(Update):
    """a_t = y_t + c_t (y_t − y_{t−1}) in the gates of an LSTM, y_t = h_{t−1} W + z_t, where z_t holds −ε x_t U.

    The sign of the input is negative and the momentum acts on the recurrent product too, unlike in the paper, whose
    form is an LSTM with the drive `restart`. c_t is the number `momentum` a step of the drive (`descent`). The columns
    of W and of z are the gates i, f, g, o, each N wide; the state is h, the cell and y, of one part a gate.
    """

    stages = (
        Stage(
            restart_lstm,
            restart_lstm_back,
            inputs=("i", "f", "g", "o"),
            saves=("si", "sf", "tg", "so", "t", "c_before", "ei", "ef", "eg", "eo"),
            gradients=("i", "f", "g", "o", "c", "yi", "yf", "yg", "yo", "momentum"),
        ),
    )
    state = (("h",), ("c",), ("yi", "yf", "yg", "yo"))
