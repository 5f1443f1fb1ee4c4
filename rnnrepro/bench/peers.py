"""What users of PyTorch have at hand: `nn.RNN`, `nn.LSTM` (on a GPU cuDNN's) and captured CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from rnnrepro.bench.floors import waiting
from rnnrepro.bench.sizes import Sizes

LAYERS = {"tanh": ("nn.RNN", nn.RNN), "lstm": ("nn.LSTM", nn.LSTM)}


def layers(update: str, sizes: Sizes, device: str) -> tuple[str, Callable[[], Any]]:
    """The name of PyTorch's layer for this update, and a call: forward and backward of each run, one by one.

    Every run has weights and inputs (T, B, D) of its own. Products are in float32, on a GPU too.
    """
    name, kind = LAYERS[update]
    torch.backends.cudnn.allow_tf32 = False
    modules = [kind(sizes.inputs, sizes.hidden).to(device) for _ in range(sizes.runs)]
    x = torch.randn(sizes.runs, sizes.time, sizes.batch, sizes.inputs, device=device)
    gradient = torch.randn(sizes.time, sizes.batch, sizes.hidden, device=device)

    def call() -> None:
        for module, x_run in zip(modules, x, strict=True):
            torch.autograd.grad(module(x_run)[0], list(module.parameters()), gradient)

    return name, waiting(call, device)


def graph(call: Callable[[], Any]) -> Callable[[], Any]:
    """`call`, captured once as a CUDA graph: a replay launches all its kernels at once and waits for them."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(side)
    captured = torch.cuda.CUDAGraph()
    with torch.cuda.graph(captured):
        call()
    return waiting(captured.replay, "cuda")
