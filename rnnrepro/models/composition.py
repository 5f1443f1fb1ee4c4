"""From the model table to networks: settings with every default written out, then the parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Generator

from rnnrepro import tables, widths
from rnnrepro.errors import Fault, nearest
from rnnrepro.models.network import Network
from rnnrepro.models.recurrence import Recurrence

Arguments = Mapping[str, Mapping[str, Any]]


def build(
    name: str,
    *,
    input_size: int,
    hidden_size: int,
    output_size: int,
    index_inputs: bool = False,
    readout_every: bool = True,
    arguments: Arguments | None = None,
    generators: Sequence[Generator],
    dtype: torch.dtype = torch.float32,
) -> Network:
    """A network of `tables.MODELS`, one run for each generator.

    `arguments` overrides the row's defaults by part: those of `tables.PARTS` and `tables.PLAIN_PARTS`. Raises Fault for
    an unknown model, part or argument, with the nearest known name, and for parts that cannot be together.
    """
    return compose(
        resolve(name, hidden_size, arguments or {}),
        input_size=input_size,
        output_size=output_size,
        index_inputs=index_inputs,
        readout_every=readout_every,
        generators=generators,
        dtype=dtype,
    )


def resolve(name: str, hidden_size: int, arguments: Arguments) -> dict[str, Any]:
    """The settings of a model with every default written out, as `compose` takes them. Raises Fault."""
    row = tables.row("model", name)
    check_names("part", f"model {name!r}", arguments, {**dict.fromkeys(tables.PARTS), **tables.PLAIN_PARTS})
    for part, given in arguments.items():
        if not isinstance(given, Mapping):
            raise Fault(f"the part {part!r} takes its arguments by name, {{name: value}}, not {given!r}")
    settings: dict[str, Any] = {"hidden": hidden_size}
    for part, (kind, chosen) in tables.parts(row, arguments).items():
        given = {name: value for name, value in arguments.get(part, {}).items() if name != "kind"}
        check_names("argument", f"the {part} of {name!r}", given, tables.row(part, kind).arguments)
        settings |= {f"{part}_kind": kind, part: chosen}
    for part, defaults in tables.PLAIN_PARTS.items():
        given = arguments.get(part, {})
        check_names("argument", f"the {part} of {name!r}", given, defaults)
        settings[part] = {**defaults, **row.defaults.get(part, {}), **given}
    return settings


def compose(
    settings: Mapping[str, Any],
    *,
    input_size: int,
    output_size: int,
    index_inputs: bool,
    readout_every: bool,
    generators: Sequence[Generator],
    dtype: torch.dtype = torch.float32,
) -> Network:
    """A network from full settings: `hidden`, each part with its `<part>_kind`, and `tables.PLAIN_PARTS`.

    An argument that its row lists as `per_run` may be a list with a value for each run (`joined`). Raises Fault for an
    embedding of inputs that are not indices, for what `widths.check` refuses, and what the parts raise.
    """
    embedding = settings["embedding"] if settings["embedding"]["size"] else None
    _check_inputs(settings, input_size, output_size, index_inputs)
    layers: list[Recurrence] = []
    for width in widths.widths(settings, input_size):
        read = layers[-1].features if layers else width.inputs
        layers.append(recurrence({**settings, "hidden": width.hidden}, read, generators, dtype))
    return Network(
        layers,
        output_size=output_size,
        readout=settings["readout"],
        readout_every=readout_every,
        generators=generators,
        symbols=input_size,
        embedding=embedding,
        tied=settings["network"]["tied"],
        dropout=settings["dropout"],
        rule=settings["rule"],
        dtype=dtype,
    )


def _check_inputs(settings: Mapping[str, Any], input_size: int, output_size: int, index_inputs: bool) -> None:
    widths.check(settings)
    if settings["embedding"]["size"] and not index_inputs:
        raise Fault("an embedding needs index inputs, and this task gives numbers; leave `embedding` out")
    if settings["dropout"]["input"] and index_inputs and not settings["embedding"]["size"]:
        raise Fault(
            "dropout.input needs an embedding or inputs of numbers; give `embedding.size`, or set it to 0"
        )
    if settings["network"]["tied"] and input_size != output_size:
        raise Fault(
            f"a tied read-out gives a number for each of the {input_size} symbols, and this task asks for "
            f"{output_size}; set `network.tied` to false"
        )


def recurrence(
    settings: Mapping[str, Any], input_size: int, generators: Sequence[Generator], dtype: torch.dtype
) -> Recurrence:
    """The recurrent part alone, for inputs of `input_size` features."""
    hidden = settings["hidden"]
    common = {"generators": generators, "dtype": dtype}
    make = {part: tables.load(part, settings[f"{part}_kind"]) for part in tables.PARTS}
    update = make["update"](**settings["update"])
    width = update.gates * hidden
    matrix = make["matrix"](hidden, input_size=input_size, width=width, **common, **settings["matrix"])
    drive = make["drive"](input_size, hidden, width, **common, **settings["drive"])
    return Recurrence(
        matrix,
        drive,
        update,
        generators=generators,
        start=settings["start"]["init"],
        trained=settings["start"]["trained"],
        credit=tables.row("rule", settings["rule"]["kind"]).credit,
        dtype=dtype,
    )


def joined(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Full settings of one stack from those of its runs, which differ in nothing but arguments `per_run`."""
    common = dict(runs[0])
    for part in tables.PARTS:
        names = tables.row(part, common[f"{part}_kind"]).per_run
        common[part] = {**common[part], **{name: [run[part][name] for run in runs] for name in names}}
    return common


def check_names(what: str, owner: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Raises Fault for the first name of `given` that is not `known`, with the nearest that is."""
    for name in given:
        if name not in known:
            hint = nearest(name, known) if known else "; it takes none"
            raise Fault(f"unknown {what} {name!r} of {owner}{hint}")
