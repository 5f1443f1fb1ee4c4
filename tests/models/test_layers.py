"""Several layers, tied read-outs and dropout, held to PyTorch's own modules and to what is written out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from rnnrepro import models, tables
from rnnrepro.conformance.models import row_arguments
from rnnrepro.errors import Fault
from rnnrepro.models.dropout import Masks
from rnnrepro.models.network import Network

SYMBOLS, EMBEDDED, HIDDEN, TIME, BATCH = 11, 6, 8, 6, 4
TIED = {"embedding": {"size": EMBEDDED}, "network": {"layers": 3, "last": EMBEDDED, "tied": True}}
RATES = {"input": 0.4, "hidden": 0.3, "output": 0.2, "embedding": 0.25, "recurrent": 0.5}


def network(name: str = "lstm", seeds: tuple[int, ...] = (0, 1, 2), dtype=torch.float64, **parts) -> Network:
    """A language model of three layers, the read-out tied to the embedding, with changed parts."""
    return models.build(
        name,
        input_size=SYMBOLS,
        hidden_size=HIDDEN,
        output_size=SYMBOLS,
        index_inputs=True,
        arguments={**TIED, **parts},
        generators=[torch.Generator().manual_seed(seed) for seed in seeds],
        dtype=dtype,
    )


def symbols(runs: int = 3) -> Tensor:
    return torch.randint(0, SYMBOLS, (runs, TIME, BATCH), generator=torch.Generator().manual_seed(5))


def in_pytorch(net: Network, run: int, kind: type) -> nn.ModuleList:
    """The layers of a run as PyTorch's modules of one layer each, which share no code with ours."""
    layers = nn.ModuleList()
    for layer in net.layers:
        hidden, width = layer.matrix.hidden_size, layer.drive.weight.shape[-1]
        theirs = kind(layer.drive.input_size, hidden).double()
        with torch.no_grad():
            theirs.weight_hh_l0.copy_(layer.matrix.weight[run].T)
            theirs.weight_ih_l0.copy_(layer.drive.weight[run].T)
            theirs.bias_ih_l0.copy_(torch.zeros(width) if layer.drive.bias is None else layer.drive.bias[run])
            theirs.bias_hh_l0.zero_()
        layers.append(theirs)
    return layers


@pytest.mark.parametrize(
    ("name", "kind", "parts"),
    [
        ("lstm", nn.LSTM, {}),
        ("rnn", nn.RNN, {"update": {"kind": "tanh"}, "drive": {"bias": "uniform(0.3)"}}),
    ],
)
def test_outputs_states_and_gradients_are_those_of_pytorchs_layers_one_above_the_other(name, kind, parts):
    net, index = network(name, **parts), symbols()
    outputs, state = net(index)
    (outputs**2).sum().backward()
    for run in range(3):
        theirs = in_pytorch(net, run, kind)
        table = net.embedding[run].detach().clone().requires_grad_()
        x, ends = table[index[run]], []
        for layer in theirs:
            x, end = layer(x)
            ends += end if isinstance(end, tuple) else (end,)
        expected = x @ table.T + net.readout_bias[run].detach()
        torch.testing.assert_close(outputs[run], expected, rtol=0, atol=1e-12)
        for ours, end in zip(state, ends, strict=True):
            torch.testing.assert_close(ours[run], end[0], rtol=0, atol=1e-12)
        (expected**2).sum().backward()
        torch.testing.assert_close(net.embedding.grad[run], table.grad, rtol=1e-10, atol=1e-12)
        for ours, layer in zip(net.layers, theirs, strict=True):
            torch.testing.assert_close(
                ours.matrix.weight.grad[run], layer.weight_hh_l0.grad.T, rtol=1e-9, atol=1e-12
            )
            torch.testing.assert_close(
                ours.drive.weight.grad[run], layer.weight_ih_l0.grad.T, rtol=1e-9, atol=1e-12
            )


def test_the_state_is_flat_layer_after_layer_and_a_sequence_in_two_parts_gives_what_the_whole_gives():
    net, index = network(), symbols()
    whole, end = net(index)
    assert [part.shape[-1] for part in end] == [HIDDEN] * 4 + [EMBEDDED] * 2
    assert [len(parts) for parts in net.by_layer(end)] == [2, 2, 2]
    first, state = net(index[:, :2])
    second, last = net(index[:, 2:], state)
    torch.testing.assert_close(torch.cat((first, second), 1), whole, rtol=0, atol=1e-13)
    for one, other in zip(last, end, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-13)
    torch.testing.assert_close(net(index, net.first(end))[0], whole, rtol=0, atol=0)
    torch.testing.assert_close(net(index, every=False)[0], whole[:, -1], rtol=0, atol=1e-13)


def test_trained_first_states_are_those_of_every_layer():
    net, index = network("rnn", start={"init": "uniform(0.5)"}), symbols()
    first = net.first(net(index)[1])
    for layer, (h,) in zip(net.layers, net.by_layer(first), strict=True):
        assert torch.equal(h, layer.start[:, None].expand(-1, BATCH, -1))
    assert torch.equal(net(index, first)[0], net(index)[0])


def test_a_tied_read_out_is_the_embedding_and_has_no_weight_of_its_own():
    net, untied = network(), network(network={"layers": 3, "last": EMBEDDED})
    assert torch.equal(net.readout, net.embedding.mT) and net.readout_weight is None
    assert untied.parameter_count() - net.parameter_count() == SYMBOLS * EMBEDDED
    taken = net.take([2])
    with torch.no_grad():
        taken.embedding.add_(1.0)
    assert torch.equal(taken.readout[0], net.embedding[2].T + 1.0)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_special_groups_penalties_and_residuals_reach_every_layer(layers):
    parts = {"network": {"layers": layers}, "embedding": {}, "matrix": {"radius_penalty": 0.5}}
    net = network("nnrnn", **parts)
    groups = net.parameter_groups()
    for group, name in {"orthogonal": "skew", "triangular": "triangle"}.items():
        expected = {f"layers.{i}.matrix.{name}" for i in range(layers)}
        assert {parameter for parameter, found in groups.items() if found == group} == expected
    assert net.penalty().abs().max() == 0
    with torch.no_grad():
        for i, layer in enumerate(net.layers):
            layer.matrix.radius[:, 0] += torch.tensor([0.0, 1.0, 2.0]) * (i + 1)
    squares = sum((i + 1) ** 2 for i in range(layers))
    expected = 0.5 * squares * torch.tensor([0.0, 1.0, 4.0], dtype=torch.float64)
    torch.testing.assert_close(net.penalty(), expected)
    residuals = torch.stack([layer.matrix.residual() for layer in net.layers])
    assert torch.equal(net.residual(), residuals.amax(0))
    assert torch.equal(net.arrays(0)["recurrent"], net.build()[0])
    assert torch.equal(net.arrays()["recurrent"], net.build()[-1])


def test_every_layer_is_told_that_a_step_was_made():
    net = network("dtriv", matrix={"rebase_every": 1}, network={"layers": 2}, embedding={})
    with torch.no_grad():
        for layer in net.layers:
            layer.matrix.skew += 0.1
    net.after_step(torch.tensor([True, False, True]))
    for layer in net.layers:
        assert (layer.matrix.skew[::2] == 0).all() and (layer.matrix.skew[1] != 0).any()


@pytest.mark.parametrize("name", tables.UPDATES)
def test_the_rows_of_updates_give_the_sizes_that_plans_are_made_of(name):
    row_arguments("update", name)


def test_masks_leave_out_the_share_that_they_are_told_and_keep_the_mean():
    masks = Masks({"hidden": 0.3}, [7, 8, 7], step=4)
    drawn = masks.drop("hidden", torch.ones(3, 1, 100, 400), (1, 100, 400))
    kept = (drawn != 0).double().mean((1, 2, 3))
    assert (kept - 0.7).abs().max() < 5 * (0.21 / 40_000) ** 0.5
    torch.testing.assert_close(drawn[drawn != 0], torch.full_like(drawn[drawn != 0], 1 / 0.7))
    assert torch.equal(drawn[0], drawn[2]) and not torch.equal(drawn[0], drawn[1])


def test_masks_differ_by_step_place_and_layer_and_are_the_same_when_asked_again():
    x, shape = torch.ones(1, 1, 5, 40), (1, 5, 40)

    def drawn(step: int, place: str, layer: int) -> Tensor:
        return Masks(dict.fromkeys(RATES, 0.5), [3], step).drop(place, x, shape, layer)

    found = [drawn(*key) for key in ((0, "hidden", 1), (1, "hidden", 1), (0, "output", 1), (0, "hidden", 2))]
    assert torch.equal(found[0], drawn(0, "hidden", 1))
    for i, one in enumerate(found):
        assert all(not torch.equal(one, other) for other in found[:i])


def test_nothing_is_drawn_where_nothing_is_left_out():
    net = network(dropout={})
    assert net.masks([0, 1, 2], 0) is None
    x = torch.ones(3, 2)
    assert Masks({"input": 0.0}, [0, 1, 2], 0).drop("input", x, (2,)) is x


def test_dropout_stands_where_the_language_model_has_it_and_is_the_same_at_all_times():
    net, index = network("lstm", dropout=RATES), symbols()
    masks = net.masks([0, 1, 2], 9)
    trace = net.trace(index, masks=masks)
    for run in range(3):

        def mask(place: str, *shape: int, layer: int = 0, run: int = run) -> Tensor:
            ones = torch.ones(3, *shape, dtype=torch.float64)
            return masks.drop(place, ones, shape, layer)[run]

        x = (net.embedding[run] * mask("embedding", SYMBOLS, 1))[index[run]] * mask(
            "input", 1, BATCH, EMBEDDED
        )
        for i, layer in enumerate(in_pytorch(net, run, nn.LSTM)):
            with torch.no_grad():
                layer.weight_hh_l0.mul_(mask("recurrent", *layer.weight_hh_l0.T.shape, layer=i).T)
            x = x * mask("hidden", 1, BATCH, HIDDEN, layer=i) if i else x
            x, _ = layer(x)
        torch.testing.assert_close(trace.raw[run], x, rtol=0, atol=1e-12)
        x = x * mask("output", 1, BATCH, EMBEDDED)
        torch.testing.assert_close(trace.read[run], x, rtol=0, atol=1e-12)
        expected = x @ net.embedding[run].T + net.readout_bias[run]
        torch.testing.assert_close(trace.outputs[run], expected, rtol=0, atol=1e-12)
    assert not torch.allclose(net(index)[0], trace.outputs)


@pytest.mark.parametrize("name", ["lstm", "nnrnn"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_run_has_the_same_bits_alone_and_in_a_stack(name, dtype):
    seeds, index = (4, 9, 6), symbols()

    def everything(chosen: tuple[int, ...], rows: list[int]) -> dict[str, Tensor]:
        net = network(name, chosen, dtype, dropout=RATES)
        trace = net.trace(index[rows], masks=net.masks(chosen, 3))
        trace.outputs.square().sum().backward()
        gradients = {key: value.grad for key, value in net.named_parameters()}
        return {"outputs": trace.outputs, "raw": trace.raw, **gradients}

    stack = everything(seeds, [0, 1, 2])
    for i, seed in enumerate(seeds):
        for key, value in everything((seed,), [i]).items():
            assert torch.equal(value[0], stack[key][i]), key


def test_long_tables_are_looked_up_and_short_ones_multiplied_to_the_same_end():
    long, index = network("rnn"), symbols()
    assert index[0].numel() > SYMBOLS  # so that the table is multiplied
    few = index[:, :2, :1]
    assert few[0].numel() < SYMBOLS  # so that its rows are looked up
    torch.testing.assert_close(long(few)[0], long(index)[0][:, :2, :1], rtol=0, atol=1e-13)
    outputs, _ = long(few)
    (gradient,) = torch.autograd.grad(outputs.sum(), long.layers[0].drive.weight)
    (other,) = torch.autograd.grad(long(index)[0][:, :2, :1].sum(), long.layers[0].drive.weight)
    torch.testing.assert_close(gradient, other, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"network": {"layers": 0}}, "network.layers is a whole number from 1 on, not 0"),
        ({"network": {"layers": 2, "last": 2.5}}, "network.last is a whole number"),
        ({"network": {"last": 4}}, "one layer is 8 wide, and network.last says 4"),
        (
            {"network": {"layers": 2, "tied": True}},
            r"outputs of the last layer \(8\) as the embedding has .*6",
        ),
        ({"network": {"tied": True}, "embedding": {}}, "tied read-out takes its weight from an embedding"),
        ({"dropout": {"input": 1.0}}, "dropout.input is a probability"),
        ({"dropout": {"hidden": 0.1}, "network": {}}, "stands between layers, and there is one"),
        ({"dropout": {"embedding": 0.1}, "embedding": {}, "network": {}}, "give `embedding.size`"),
        ({"dropout": {"input": 0.1}, "embedding": {}, "network": {}}, "dropout.input needs an embedding"),
        (
            {"network": {"layer": 2}},
            "unknown argument 'layer' of the network of 'lstm'; did you mean 'layers'",
        ),
    ],
)
def test_parts_that_cannot_be_together_are_faults_with_their_mend(parts, message):
    with pytest.raises(Fault, match=message):
        network(**parts)


def test_a_complex_matrix_keeps_all_its_entries():
    with pytest.raises(Fault, match="half an entry"):
        network("scurnn", network={}, dropout={"recurrent": 0.5})


def test_a_read_out_of_other_classes_than_the_inputs_cannot_be_tied():
    with pytest.raises(Fault, match="a number for each of the 11 symbols, and this task asks for 3"):
        models.build(
            "lstm",
            input_size=SYMBOLS,
            hidden_size=HIDDEN,
            output_size=3,
            index_inputs=True,
            arguments=TIED,
            generators=[torch.Generator()],
        )
