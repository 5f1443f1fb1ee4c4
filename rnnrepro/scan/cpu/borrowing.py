"""Arrays that compiled code does not count the owners of.

Numba counts them for every slice, with an instruction that locks memory, up and down again: at small sizes that took
longer than all the arithmetic of a step.
"""

from __future__ import annotations

from typing import Any

from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from rnnrepro.scan.cpu.compiling import over_time


@intrinsic
def borrowed(context: Any, values: types.Type) -> Any:
    """An array, or a tuple of arrays and tuples, in the same memory. Slices of it are of the same kind.

    Whoever owns the memory must outlive it: an argument does, and a local array that is `held` afterwards.
    """

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _without_owner(context, builder, signature.args[0], arguments[0])

    return values(values), generated


def _without_owner(context: Any, builder: Any, kind: types.Type, value: Any) -> Any:
    if isinstance(kind, types.BaseTuple):
        parts = cgutils.unpack_tuple(builder, value)
        free = [_without_owner(context, builder, *part) for part in zip(kind, parts, strict=True)]
        return context.make_tuple(builder, kind, free)
    array = context.make_array(kind)(context, builder, value)
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    array.parent = cgutils.get_null_value(array.parent.type)
    return array._getvalue()


@intrinsic
def one_row(context: Any, array: types.Type) -> Any:
    """(rows, columns), whole in memory, as (1, rows · columns), borrowed."""

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given = context.make_array(array)(context, builder, arguments[0])
        (rows, columns), (_, step) = (
            cgutils.unpack_tuple(builder, part, 2) for part in (given.shape, given.strides)
        )
        one, all_of_them = context.get_constant(types.intp, 1), builder.mul(rows, columns)
        seen = context.make_array(array)(context, builder)
        populate_array(
            seen, given.data, [one, all_of_them], [builder.mul(all_of_them, step), step], given.itemsize, None
        )
        return seen._getvalue()

    return array(array), generated


@over_time
def held(arrays):
    """Called with local arrays that were borrowed: until here they are owned."""
