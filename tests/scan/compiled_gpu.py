"""Run by test_gpu_compiled.py: compiles kernels for an H100 without one, and prints what each takes as JSON."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from rnnrepro import tables
from rnnrepro.scan.gpu import fit, resident, stepped
from rnnrepro.scan.source import Signature

PARAMETERS = {"modrelu": ("bias",), "bilevel_shb": ("mu",), "bilevel_snag": ("mu",)}
TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"


def taken(kernel: triton.JITFunction, settings: dict[str, object], warps: int) -> dict[str, int]:
    """Bytes of shared memory a program, and of stack (registers that did not fit) a thread."""
    types = {
        name: "constexpr"
        if name in settings
        else "i32"
        if name in "TBt"
        else "fp32"
        if name[:2] == "c_"
        else "*fp32"
        for name in kernel.arg_names
    }
    source = ASTSource(fn=kernel, signature=types, constexprs=settings)
    found = triton.compile(
        source, target=GPUTarget("cuda", 90, 32), options={"num_warps": warps, **fit.COMPILING}
    )
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(found.asm["cubin"])
        file.flush()
        said = subprocess.run(
            [TOOLS / "cuobjdump", "-res-usage", file.name], capture_output=True, text=True, check=True
        ).stdout
    return {"shared": found.metadata.shared, "stack": int(re.search(r"STACK:(\d+)", said)[1])}


def forms(name: str, units: int, precision: str) -> dict[str, dict[str, int]]:
    """What the kernels of an update take, by form and direction."""
    update = tables.load("update", name)()
    signature = Signature.of(update, dict.fromkeys(PARAMETERS.get(name, ()), 0), {})
    found = {}
    own = fit.fit(signature, units, precision, fit.shared_bytes(fit.torch.device("cpu")))
    if own is not None:
        module = resident.module(signature, own.chunks)
        common = {"N": units, "TILE": fit.TILE, "U": own.padded, "PRECISION": precision}
        found["resident forward"] = taken(module.forward, common | {"TRAIN": True, "EVERY": True}, own.warps)
        found["resident backward"] = taken(module.backward, common | {"DOUT": True, "FULL": True}, own.warps)
    return found | stepping(stepped.module(signature), signature, units)


def stepping(module: ModuleType, signature: Signature, units: int) -> dict[str, dict[str, int]]:
    """What the kernels of one step take."""
    common = {"N": units, "BLOCK": stepped.BLOCK, "SAVED": True}
    common |= {f"KEPT_{k}": k == 0 for k in range(len(signature.state))}
    found = {}
    for i in range(len(signature.stages)):
        found[f"stepped forward {i}"] = taken(getattr(module, f"forward_step_{i}"), common, 4)
        found[f"stepped backward {i}"] = taken(
            getattr(module, f"backward_step_{i}"), common | {"DOUT": True}, 4
        )
    return found


if __name__ == "__main__":
    print(json.dumps(forms(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
