"""Layers of rotations: against a plain build by autograd, and what their backward pass keeps."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from rnnrepro.errors import Fault
from rnnrepro.matrices import givens
from rnnrepro.matrices.complex_block import block
from rnnrepro.matrices.givens import ComplexGivens, Givens, angles_in

KINDS = [Givens, ComplexGivens]


def product(
    kind: type[Givens],
    size: int,
    layers: int | None = None,
    runs: int = 2,
    dtype: torch.dtype = torch.float64,
) -> Givens:
    generators = [torch.Generator().manual_seed(seed) for seed in range(runs)]
    return kind(size, input_size=2, generators=generators, layers=layers, dtype=dtype)


def plainly(matrix: Givens) -> Tensor:
    """W of the first run as a product of dense matrices, differentiable by autograd."""
    size, at = matrix.hidden_size, 0
    complex_ = isinstance(matrix, ComplexGivens)
    w = torch.eye(size, dtype=torch.complex128)
    for layer in range(matrix.layers):
        g = torch.eye(size, dtype=torch.complex128)
        for a in range(layer % 2, size - 1, 2):
            theta = matrix.angle[0, at]
            e = torch.exp(1j * matrix.turn[0, at]) if complex_ else 1.0
            own = torch.eye(size, dtype=torch.complex128)
            rotation = torch.stack(
                (e * torch.cos(theta), torch.sin(theta), -e * torch.sin(theta), torch.cos(theta))
            )
            rows, columns = torch.tensor([a, a, a + 1, a + 1]), torch.tensor([a, a + 1, a, a + 1])
            g = g @ own.index_put((rows, columns), rotation.to(torch.complex128))
            at += 1
        w = w @ g
    assert at == matrix.angle.shape[1]
    if not complex_:
        return w.real
    w = w * torch.exp(1j * matrix.phase[:1])
    return block(w.real[None], w.imag[None])[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("size", "layers"), [(2, 3), (5, 4), (6, None), (7, 1), (7, 12)])
def test_w_and_its_gradient_are_those_of_a_plain_build(
    kind: type[Givens], size: int, layers: int | None
) -> None:
    matrix = product(kind, size, layers)
    w = matrix.build()
    g = torch.randn(w.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    names, parameters = zip(*matrix.named_parameters(), strict=True)
    found = torch.autograd.grad(w, parameters, g)
    expected = plainly(matrix)
    torch.testing.assert_close(w[0], expected, rtol=0, atol=1e-13)
    for name, own, theirs in zip(names, found, torch.autograd.grad(expected, parameters, g[0]), strict=True):
        torch.testing.assert_close(own[0], theirs[0], rtol=0, atol=1e-12, msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_the_rows_at_a_time_give_the_whole(
    kind: type[Givens], monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = product(kind, 13)

    def solved() -> list[Tensor]:
        w = matrix.build()
        return [w, *torch.autograd.grad(w.pow(3).sum(), list(matrix.parameters()))]

    whole = solved()
    monkeypatch.setattr(givens, "CACHED", 50)
    for part, all_at_once in zip(solved(), whole, strict=True):
        torch.testing.assert_close(part, all_at_once, rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_backward_pass_keeps_does_not_grow_with_the_layers(kind: type[Givens]) -> None:
    size = 16

    def kept(layers: int) -> int:
        """Numbers kept beside the angles themselves, of one run."""
        matrix, saved = product(kind, size, layers, runs=1), {}
        own = {parameter.untyped_storage().data_ptr() for parameter in matrix.parameters()}

        def keep(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                saved[storage.data_ptr()] = (storage.nbytes() // tensor.element_size(), tensor)
            return tensor

        with saved_tensors_hooks(keep, lambda tensor: tensor):
            w = matrix.build()
        assert w.requires_grad
        return sum(count for count, _ in saved.values())

    few, many = kept(4), kept(64)
    assert 0 < few == many <= 8 * size**2


@pytest.mark.parametrize(
    ("size", "layers", "count"), [(256, 108, 13_770), (1024, 500, 255_750), (5, 5, 10), (8, 8, 28)]
)
def test_angles_are_counted_as_on_the_card(size: int, layers: int, count: int) -> None:
    assert angles_in(size, layers) == count


def test_full_capacity_has_as_many_numbers_as_the_groups_have_dimensions() -> None:
    for size in (4, 7):
        assert sum(p[0].numel() for p in product(Givens, size).parameters()) == size * (size - 1) // 2
        assert sum(p[0].numel() for p in product(ComplexGivens, size).parameters()) == size**2


@pytest.mark.parametrize("kind", KINDS)
def test_many_layers_in_single_precision_stay_unitary_and_are_undone_to_rounding(kind: type[Givens]) -> None:
    single, double = product(kind, 48, 200, dtype=torch.float32), product(kind, 48, 200)
    double.load_state_dict(single.state_dict())
    assert float(single.residual().max()) < 48 * 1e-6
    g = torch.randn(2, *single.build().shape[1:], generator=torch.Generator().manual_seed(5))
    ours, exact = (
        torch.autograd.grad(m.build(), list(m.parameters()), g.to(m.angle.dtype)) for m in (single, double)
    )
    for found, expected in zip(ours, exact, strict=True):
        assert float((found - expected).norm() / expected.norm()) < 1e-5


def test_angles_start_anywhere_on_the_circle() -> None:
    angle = product(Givens, 64).angle.detach()
    assert 0.99 * math.pi < float(angle.abs().max()) <= math.pi and abs(float(angle.mean())) < 0.1


@pytest.mark.parametrize(("size", "layers"), [(1, None), (4, 0)])
def test_what_has_no_rotation_is_a_fault(size: int, layers: int | None) -> None:
    with pytest.raises(Fault, match="two units and one layer"):
        product(Givens, size, layers)
