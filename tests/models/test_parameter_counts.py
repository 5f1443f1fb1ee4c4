"""The parameter counts that the papers, their codes and the reproduction cards give."""

from __future__ import annotations

import pytest
import torch

from rnnrepro import models

COUNTS = [
    # copying with one-hot inputs, 10 symbols in, 9 classes out (nnRNN, supplement)
    ("nnrnn", 128, 10, 9, {}, 18_953),
    ("rnn", 128, 10, 9, {}, 18_953),
    ("rnn_orth", 128, 10, 9, {}, 18_953),
    ("exprnn", 128, 10, 9, {}, 10_697),
    ("exprnn", 176, 10, 9, {}, 18_929),
    ("dtriv", 176, 10, 9, {}, 18_929),
    ("lstm", 128, 10, 9, {}, 72_329),
    ("lstm", 63, 10, 9, {}, 19_224),
    ("lstm", 63, 10, 9, {"drive": {"bias": None}}, 18_972),
    ("nnrnn", 128, 1, 9, {}, 17_801),
    # the same task in scoRNN and ENRNN
    ("scornn", 190, 10, 9, {"matrix": {"negative": 95}}, 21_764),
    ("lstm", 68, 10, 9, {}, 22_109),
    ("enrnn", 192, 10, 9, {"matrix": {"short": 20, "negative": 52}}, 22_395),
    ("enrnn", 68, 10, 9, {"matrix": {"short": 8, "negative": 18}}, 3_683),
    ("scornn", 68, 10, 9, {"matrix": {"negative": 34}}, 3_647),
    ("lstm", 24, 10, 9, {}, 3_585),
    # images by pixel
    ("nnrnn", 512, 1, 10, {}, 268_298),
    ("rnn", 512, 1, 10, {}, 268_298),
    ("exprnn", 512, 1, 10, {}, 136_970),
    ("exprnn", 722, 1, 10, {}, 268_955),
    ("lstm", 512, 1, 10, {}, 1_057_802),
    ("lstm", 257, 1, 10, {}, 268_832),
    ("scornn", 170, 1, 10, {"matrix": {"negative": 17}}, 16_415),
    ("scornn", 360, 1, 10, {}, 68_950),
    ("scornn", 512, 1, 10, {}, 136_970),
    ("lstm", 128, 1, 10, {}, 67_850),
    ("lstm", 256, 1, 10, {}, 266_762),
    # adding
    ("scornn", 170, 2, 1, {"matrix": {"negative": 85}}, 15_046),
    ("lstm", 60, 2, 1, {}, 15_181),
    ("enrnn", 160, 2, 1, {"matrix": {"short": 64, "negative": 29}}, 15_441),
    ("enrnn", 52, 2, 1, {"matrix": {"short": 20, "negative": 10}}, 1_745),
    ("scornn", 56, 2, 1, {"matrix": {"negative": 28}}, 1_765),
    ("lstm", 20, 2, 1, {}, 1_861),
    # copying, adding and pixels from non-normal starts
    *((name, 100, 10, 9, {}, 12_009) for name in ("identity", "orthogonal", "chain", "fbchain")),
    ("chain", 100, 2, 1, {"update": {"kind": "relu"}}, 10_401),
    ("orthogonal", 100, 2, 1, {"update": {"kind": "relu"}}, 10_401),
    *((name, 25, 1, 10, {}, 935) for name in ("identity", "orthogonal", "chain", "fbchain")),
    # speech frames
    ("scornn", 224, 129, 129, {}, 83_121),
    ("scornn", 322, 129, 129, {}, 135_208),
    ("scornn", 425, 129, 129, {}, 200_304),
    ("lstm", 84, 129, 129, {}, 82_869),
    ("lstm", 120, 129, 129, {}, 135_609),
    ("lstm", 158, 129, 129, {}, 202_527),
    ("enrnn", 417, 129, 129, {"matrix": {"short": 104}}, 200_328),
    # complex units: a unitary matrix counts N², its free numbers
    ("scurnn", 116, 1, 10, {}, 16_482),
    ("scurnn", 250, 1, 10, {}, 69_010),
    ("scurnn", 130, 10, 9, {}, 22_369),
    ("scurnn", 116, 2, 1, {}, 14_617),
    ("scurnn", 128, 129, 129, {}, 83_073),
    ("scurnn", 192, 129, 129, {}, 136_833),
    ("scurnn", 258, 129, 129, {}, 200_853),
    ("scurnn", 44, 1, 10, {}, 3_090),
    ("urnn_rc", 512, 1, 10, {}, 16_394),
    ("urnn_rc", 470, 10, 9, {}, 22_569),
    ("urnn_rc", 950, 2, 1, {}, 15_201),
    ("urnn_rc", 158, 129, 129, {}, 83_237),
    ("urnn_rc", 256, 129, 129, {}, 134_785),
    ("urnn_rc", 378, 129, 129, {}, 198_957),
    ("urnn_fc", 116, 1, 10, {}, 16_366),
    ("urnn_fc", 512, 1, 10, {}, 274_954),
    ("urnn_fc", 128, 10, 9, {}, 21_641),
    ("urnn_fc", 116, 2, 1, {}, 14_501),
    ("urnn_fc", 120, 2, 1, {}, 15_481),
    ("urnn_fc", 128, 129, 129, {}, 82_945),
    ("urnn_fc", 192, 129, 129, {}, 136_641),
    ("urnn_fc", 256, 129, 129, {}, 198_529),
    # rotations by layers, with the budgets of nnRNN
    ("eurnn", 256, 10, 9, {"matrix": {"layers": 108}}, 18_899),
    ("eurnn", 1024, 1, 10, {"matrix": {"layers": 500}}, 268_048),
    # motor tasks: the card's N² + N·D + N·K, and the read-out's bias, which every network has here
    ("leaky_rnn", 30, 0, 1, {}, 930 + 1),
    ("leaky_rnn", 100, 1, 1, {}, 10_200 + 1),
    ("leaky_rnn", 100, 4, 2, {}, 10_600 + 2),
    # SBO-RNN on pixels, with its card's numbers and μ; what it is compared with, on windows of nine channels
    ("sbo_sgd", 128, 1, 10, {}, 14_346),
    ("sbo_shb", 128, 1, 10, {}, 14_347),
    ("sbo_snag", 128, 1, 10, {}, 14_347),
    ("sbo_sgd", 128, 1, 10, {"matrix": {"rank": None}}, 17_930),
    ("sbo_sgd", 128, 1, 10, {"matrix": {"frozen": True}}, 1_546),
    ("sbo_sgd_sparse", 128, 1, 10, {}, 1_547),
    ("sbo_shb_sparse", 128, 1, 10, {}, 1_548),
    ("sbo_snag_sparse", 128, 1, 10, {}, 1_548),
    ("rnn", 128, 9, 2, {"update": {"kind": "tanh"}, "drive": {"bias": "zeros"}}, 17_922),
    ("fastrnn", 128, 9, 2, {}, 17_924),
    ("fastgrnn", 128, 9, 2, {}, 18_052),
    ("antisymmetric", 128, 1, 10, {}, 9_674),
    ("lipschitz", 128, 1, 10, {}, 34_314),
    ("indrnn", 128, 1, 10, {}, 1_674),
    ("irnn", 128, 9, 2, {}, 17_922 + 5),
    # LSTMs with two biases on pixels and speech frames, and dynamic trivialisations without one
    *(
        (name, *row)
        for name in ("momentum_lstm", "adam_lstm", "rmsprop_lstm", "restart_lstm", "restart_lstm_released")
        for row in (
            (128, 1, 10, {}, 68_362),
            (256, 1, 10, {}, 267_786),
            (84, 129, 129, {}, 83_205),
            (120, 129, 129, {}, 136_089),
            (158, 129, 129, {}, 203_159),
        )
    ),
    *(
        (name, *row)
        for name in ("momentum_dtriv", "adam_dtriv", "rmsprop_dtriv", "restart_dtriv")
        for row in (
            (170, 1, 10, {}, 16_415),
            (360, 1, 10, {}, 68_950),
            (512, 1, 10, {}, 136_970),
            (224, 129, 129, {}, 83_121),
            (322, 129, 129, {}, 135_208),
        )
    ),
]
EMBEDDED = {"embedding": {"size": 200}}
CHARACTERS = [
    # 50 characters (nnRNN embeds them in 200 dimensions; ENRNN reads them one-hot)
    ("nnrnn", 1024, 50, 50, EMBEDDED, 1_315_650),
    ("rnn", 1024, 50, 50, EMBEDDED, 1_315_650),
    ("exprnn", 1024, 50, 50, EMBEDDED, 790_850),
    ("exprnn", 1386, 50, 50, EMBEDDED, 1_317_741),
    ("lstm", 1024, 50, 50, EMBEDDED, 5_078_850),
    ("lstm", 475, 50, 50, EMBEDDED, 1_318_200),
    ("enrnn", 1521, 50, 50, {"matrix": {"short": 152}}, 1_321_259),
    ("enrnn", 1425, 50, 50, {"matrix": {"short": 570}}, 1_321_310),
]
WORDS = {"embedding": {"size": 400}, "network": {"layers": 3, "last": 400, "tied": True}}
CHARACTERS += [("momentum_lstm", 1150, 10_000, 10_000, WORDS, 24_221_600)]


@pytest.mark.parametrize(("name", "hidden", "inputs", "outputs", "arguments", "count"), COUNTS + CHARACTERS)
def test_a_run_has_as_many_parameters_as_the_card_counts(
    name: str, hidden: int, inputs: int, outputs: int, arguments: dict, count: int
) -> None:
    for runs in (1, 2) if count < 100_000 else (1,):
        network = models.build(
            name,
            input_size=inputs,
            hidden_size=hidden,
            output_size=outputs,
            arguments=arguments,
            index_inputs="embedding" in arguments,
            generators=[torch.Generator()] * runs,
        )
        assert network.parameter_count() == count
