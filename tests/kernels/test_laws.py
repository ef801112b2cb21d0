"""What a kernel may know: numpy, math and how it is compiled."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import usdk_kernels

FOLDER = Path(usdk_kernels.__file__).parent
ALLOWED = {"__future__", "collections", "math", "numpy", "usdk_kernels._compile"}
ALLOWED_IN_COMPILE = {"__future__", "collections", "typing", "numba"}
# They write vector code themselves, because no compiler finds the permutations they stand on.
ALLOWED_IN_VECTOR_CODE = ALLOWED | {"contextlib", "typing", "numba", "llvmlite"}


def imported(source: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or ".")
    return {name if name.startswith("usdk") else name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_kernel_imports_numpy_and_math_and_the_compiler_s_file_numba(path: Path) -> None:
    exceptions = {
        "_compile": ALLOWED_IN_COMPILE,
        "autocorrelation": ALLOWED_IN_VECTOR_CODE,
        "das_lattice": ALLOWED_IN_VECTOR_CODE,
        "das_range": ALLOWED_IN_VECTOR_CODE,
    }
    allowed = exceptions.get(path.stem, ALLOWED)
    assert imported(path.read_text(encoding="utf-8")) <= allowed
