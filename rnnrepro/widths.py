"""The sizes of a network's layers, from its full settings, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnrepro import tables
from rnnrepro.errors import Fault


@dataclass(frozen=True)
class Width:
    """One recurrent layer: N `hidden` units that read D `inputs`; W is (`rows`, `columns`), h has `rows` numbers."""

    inputs: int
    hidden: int
    rows: int
    columns: int


def widths(model: Mapping[str, Any], inputs: int) -> list[Width]:
    """Every layer of a network in the order in which `inputs` numbers (those of its embedding, if any) pass them."""
    update = tables.row("update", model["update_kind"])
    network = model["network"]
    read, found = model["embedding"]["size"] or inputs, []
    for layer in range(network["layers"]):
        last = layer == network["layers"] - 1
        hidden = (network["last"] if last else None) or model["hidden"]
        found.append(Width(read, hidden, update.planes * hidden, update.gates * hidden))
        read = update.planes * hidden
    return found


def check(model: Mapping[str, Any]) -> None:
    """Raises Fault for layers, an embedding, a tied read-out and dropouts that cannot be together.

    Whether the inputs are indices, the task knows.
    """
    network, size = model["network"], model["embedding"]["size"]
    layers, last = network["layers"], network["last"]
    for what, number in (("layers", layers), ("last", last)):
        if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
            raise Fault(f"network.{what} is a whole number from 1 on, not {number!r}")
    if layers == 1 and last not in (None, model["hidden"]):
        raise Fault(
            f"one layer is {model['hidden']} wide, and network.last says {last}; set `hidden`, or more `layers`"
        )
    if network["tied"] and not size:
        raise Fault("a tied read-out takes its weight from an embedding; give `embedding.size`")
    if network["tied"] and widths(model, size)[-1].rows != size:
        raise Fault(
            f"a tied read-out needs as many outputs of the last layer ({widths(model, size)[-1].rows}) as the "
            f"embedding has columns ({size}); set `network.last` or `embedding.size`"
        )
    _check_dropout(model)


def _check_dropout(model: Mapping[str, Any]) -> None:
    dropout = model["dropout"]
    for name, rate in dropout.items():
        if not isinstance(rate, (int, float)) or isinstance(rate, bool) or not 0 <= rate < 1:
            raise Fault(f"dropout.{name} is a probability, from 0 to below 1, not {rate!r}")
    if dropout["embedding"] and not model["embedding"]["size"]:
        raise Fault(
            "dropout.embedding leaves out rows of an embedding; give `embedding.size`, or set it to 0"
        )
    if dropout["hidden"] and model["network"]["layers"] == 1:
        raise Fault(
            "dropout.hidden stands between layers, and there is one; give `network.layers`, or set it to 0"
        )
    if dropout["recurrent"] and tables.row("update", model["update_kind"]).planes > 1:
        raise Fault("dropout.recurrent would leave a complex matrix with half an entry; set it to 0")
