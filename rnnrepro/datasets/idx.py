"""The idx format of MNIST: a magic number, the sizes, the bytes."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from rnnrepro.errors import Fault

UNSIGNED_BYTE = 0x08
MOST_DIMENSIONS = 4


def parse(content: bytes, name: str) -> np.ndarray:
    """An idx file of unsigned bytes as an array of its shape.

    `name` stands in the messages. Raises Fault for a wrong magic number, another element type, and contents
    shorter or longer than the sizes say; nothing is allocated from sizes that the contents do not bear out.
    """
    if len(content) < 4 or content[:2] != b"\0\0":
        raise Fault(f"{name}: expected an idx file (first bytes 0 0), found {content[:4].hex() or 'nothing'}")
    kind, dimensions = content[2], content[3]
    if kind != UNSIGNED_BYTE or not 1 <= dimensions <= MOST_DIMENSIONS:
        raise Fault(
            f"{name}: expected unsigned bytes (type 8) in 1 to {MOST_DIMENSIONS} dimensions, "
            f"found type {kind} in {dimensions}"
        )
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise Fault(f"{name}: truncated: expected {start} bytes of header, found {len(content)}")
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    expected, found = math.prod(shape), len(content) - start
    if found != expected:
        raise Fault(f"{name}: expected {expected:,} elements for the shape {shape}, found {found:,}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read(path: Path) -> np.ndarray:
    """A gzipped idx file as an array. Raises Fault, as `parse` does, and for damaged packing."""
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise Fault(f"{path}: expected a gzipped idx file, found it damaged ({error})") from error
    return parse(content, str(path))
