"""What differs between the circumstances in which a result was made and those of today, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from rnnrepro import fingerprint
from rnnrepro.datasets import provenance as data
from rnnrepro.errors import Fault
from rnnrepro.training import provenance

_MOST_NAMED = 6


def circumstances(
    made: Mapping[str, Any], modules: Mapping[str, str], device: torch.device, corpora: Mapping[str, str]
) -> list[str]:
    """Sentences on the code, the versions, the device, the threads and the data of a result; none where all agree.

    `made` is the provenance of the result, `modules` the code of today, `corpora` {data set: folder} of licensed data.
    """
    return [
        *_code(made, modules),
        *_versions(made["versions"], provenance.versions()),
        *_device(made, device),
        *_data(made["settings"]["data"], corpora),
    ]


def _code(made: Mapping[str, Any], now: Mapping[str, str]) -> Iterator[str]:
    before = made["modules"]
    changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if changed:
        more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
        yield (
            f"training code: {made['fingerprint']}, now {fingerprint.combined(dict(now))}; "
            f"{len(changed)} of {len(before.keys() | now.keys())} modules differ: "
            f"{', '.join(changed[:_MOST_NAMED])}{more}"
        )
    codes = sorted({run["fingerprint"] for run in made.get("runs", ())} - {made["fingerprint"]})
    if codes:
        yield f"some runs are of other code than the first: {', '.join(codes)}"


def _versions(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            yield f"{name}: {before.get(name, 'not there')}, now {now.get(name, 'not there')}"


def _device(made: Mapping[str, Any], device: torch.device) -> Iterator[str]:
    name = provenance.device_name(device)
    if (made["device"], made["device_name"]) != (device.type, name):
        yield f"device: {made['device']} ({made['device_name']}), now {device.type} ({name})"
    if made["threads"] != torch.get_num_threads():
        yield f"threads: {made['threads']}, now {torch.get_num_threads()}"


def _data(before: Mapping[str, Any], corpora: Mapping[str, str]) -> Iterator[str]:
    for name, files in before.items():
        try:
            now = data.digest(name, corpora)
        except (Fault, KeyError) as fault:
            yield f"data {name}: {fault}"
            continue
        other = sorted(file for file in files.keys() | now.keys() if files.get(file) != now.get(file))
        if other:
            yield f"data {name}: other content of {', '.join(other)}"
