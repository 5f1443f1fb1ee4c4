from __future__ import annotations

import pytest
import torch

from rnnrepro import models, tables

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("name", tables.MODELS)
def test_a_gpu_gives_what_a_cpu_gives_with_every_gradient(name: str) -> None:
    arguments = {"matrix": {"short": 4, "negative": 3}} if name == "enrnn" else {}
    generators = [torch.Generator().manual_seed(seed) for seed in range(3)]
    network = models.build(
        name,
        input_size=7,
        hidden_size=16,
        output_size=4,
        index_inputs=True,
        arguments=arguments,
        generators=generators,
        dtype=torch.float64,
    )
    index = torch.randint(0, 7, (3, 20, 5))
    results = []
    for device in ("cpu", "cuda"):
        there = network.take(range(3)).to(device)
        outputs, state = there(index.to(device))
        gradients = torch.autograd.grad((outputs**2).sum(), list(there.parameters()))
        there.after_step(torch.ones(3, dtype=torch.bool, device=device))
        results.append([outputs, *state, *gradients, there.residual(), *there.arrays().values()])
    for on_cpu, on_gpu in zip(*results, strict=True):
        torch.testing.assert_close(on_gpu.cpu(), on_cpu, rtol=1e-9, atol=1e-11)


def test_a_layer_is_moved_like_any_module() -> None:
    layer = models.make("nnrnn", input_size=3, hidden_size=8).to("cuda")
    output, h_n = layer(torch.randn(6, 2, 3, device="cuda"))
    output.sum().backward()
    layer.after_step()
    assert output.device.type == h_n.device.type == "cuda"
