"""A product and a sum in one instruction, where the source says so and nowhere else.

The fast-math flag ``contract`` leaves it to the compiler which of two products of a sum is rounded
before they are added: kernels that share code, or one kernel compiled now and read from the cache
later, may then differ in the last bit. A kernel that promises the same bits calls `multiply_add`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

__all__ = ["multiply_add"]


def multiply_add(a: Any, b: Any, c: Any) -> Any:
    """Return a b + c, rounded once where the processor has an instruction for it.

    Parameters
    ----------
    a, b, c : float32 or float64
        All of one type.

    Notes
    -----
    LLVM Language Reference, ``llvm.fmuladd``: one rounding where that is fast, else two; the same
    on one kind of processor, wherever the call stands.
    """
    return a * b + c


@intrinsic  # type: ignore[untyped-decorator]
def _fused(typing: Any, a: Any, b: Any, c: Any) -> Any:
    if not (isinstance(a, types.Float) and a == b == c):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = arguments[0].type
        name = "llvm.fmuladd." + {ir.FloatType(): "f32", ir.DoubleType(): "f64"}[kind]
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind] * 3), name
        )
        return builder.call(function, arguments)

    return a(a, a, a), generate


@overload(multiply_add, inline="always")  # type: ignore[untyped-decorator]
def _multiply_add_compiled(a: Any, b: Any, c: Any) -> Any:
    def call(a: Any, b: Any, c: Any) -> Any:
        return _fused(a, b, c)

    return call
