"""Whether modules are of one form, so that they can be a stack: the same but for their values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from rnnrepro.errors import Fault
from rnnrepro.updates.base import Update


def check_alike(models: Sequence[Any]) -> None:
    """Raise Fault unless these are modules of one form, naming the first thing that differs."""
    if not models or not all(isinstance(model, nn.Module) for model in models):
        raise Fault("stack takes one or more modules: stack([model, model, …])")
    wanted = _form(models[0])
    for i, model in enumerate(models[1:], 1):
        found = _form(model)
        for key in (*wanted, *found):
            if wanted.get(key) != found.get(key):
                raise Fault(
                    f"a stack is of one form, and model {i} differs from model 0 in {key}: "
                    f"{found.get(key)!r} instead of {wanted.get(key)!r}"
                )


def _form(model: nn.Module) -> dict[str, Any]:
    """What must agree between models of a stack: the types and settings of all parts, shapes, devices."""
    form: dict[str, Any] = {}
    for path, module in model.named_modules():
        form[f"{path or 'the model'}"] = type(module).__name__
        for name, value in vars(module).items():
            if not name.startswith("_") and name != "training":
                form[f"{path}.{name}".lstrip(".")] = _plain(value)
    for name, value in (*model.named_parameters(), *model.named_buffers()):
        form[name] = (tuple(value.shape), value.dtype, value.device)
    return form


def _plain(value: Any) -> Any:
    """A setting as something that can be compared: settings of parts that are no modules by their names."""
    if isinstance(value, Update):
        return type(value).__name__, dict(value.constants)
    if isinstance(value, (bool, int, float, str, torch.dtype, type(None))):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return type(value).__name__
