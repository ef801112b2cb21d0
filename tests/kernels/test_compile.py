"""Kernels import and run where no cache can be written, and survive a damaged cache."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

import usdk_kernels
from usdk_kernels import _compile

USE_A_KERNEL = """
import numpy as np
from usdk_kernels.envelope import envelope_iq
out = np.empty((1, 2), np.float32)
envelope_iq(np.array([[3 + 4j, 5j]], np.complex64), out)
assert out.tolist() == [[5.0, 5.0]], out
"""

READ_ONLY = """
import os, tempfile
real = os.makedirs
def makedirs(path, *arguments, **options):
    raise OSError(30, "Read-only file system", str(path))
def TemporaryFile(*arguments, **options):
    raise OSError(30, "Read-only file system")
os.makedirs, tempfile.TemporaryFile = makedirs, TemporaryFile
"""


def run_python(source: str, **environment: str) -> None:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "XDG"))}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", source],
        env=inherited | environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


def modules():
    names = [m.name for m in pkgutil.iter_modules(usdk_kernels.__path__)]
    return [importlib.import_module(f"usdk_kernels.{name}") for name in names]


def test_runs_on_a_read_only_file_system_without_a_home():
    # Root may write where it likes, so the file system's refusal is staged.
    run_python(
        READ_ONLY + USE_A_KERNEL,
        HOME="/proc/nonexistent", NUMBA_CACHE_DIR="/proc/nonexistent/numba",
    )  # fmt: skip


def test_numba_itself_would_refuse_there():
    source = (
        READ_ONLY
        + """
import numba, pytest, usdk_kernels.envelope as e
f = getattr(e.envelope_iq, "py_func", e.envelope_iq)
with pytest.raises(RuntimeError, match="no locator available"):
    numba.njit(cache=True)(f)
"""
    )
    run_python(source, HOME="/proc/nonexistent")


def test_survives_a_damaged_and_an_unwritable_cache(tmp_path: Path):
    run_python(USE_A_KERNEL, NUMBA_CACHE_DIR=str(tmp_path))
    files = sorted(f for f in tmp_path.rglob("*") if f.is_file())
    assert {f.suffix for f in files} == {".nbi", ".nbc"}
    for suffix in (".nbc", ".nbi"):
        for file in files:
            if file.suffix == suffix:
                file.write_bytes(file.read_bytes()[:10])  # a power cut
        run_python(USE_A_KERNEL, NUMBA_CACHE_DIR=str(tmp_path))
        assert all(f.stat().st_size > 10 for f in files)  # mended
    full = """
import numba.core.caching as caching
def _save_data(self, name, data): raise OSError(28, "No space left on device")
caching.IndexDataCacheFile._save_data = _save_data
"""
    run_python(full + USE_A_KERNEL, NUMBA_CACHE_DIR=str(tmp_path / "full"))


def test_import_compiles_nothing():
    source = "\n".join(f"import {m.__name__} as m{i}" for i, m in enumerate(modules()))
    source += """
import sys, numba
for name, module in list(sys.modules.items()):
    if name.startswith("usdk_kernels."):
        for value in vars(module).values():
            assert not getattr(value, "signatures", []), value
"""
    run_python(source)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_fastmath_is_opted_into_and_never_forgets_nan():
    @_compile.kernel(fastmath=frozenset({"contract", "reassoc"}))
    def is_nan(values, out):
        for i in range(values.size):
            out[i] = values[i] != values[i]

    out = np.zeros(3, np.bool_)
    is_nan(np.array([1, np.nan, np.inf], np.float32), out)
    assert out.tolist() == [False, True, False]
    for module in modules():
        for value in vars(module).values():
            flags = getattr(value, "targetoptions", {}).get("fastmath", set()) or set()
            assert set(flags) <= {"nsz", "arcp", "contract", "afn", "reassoc"}


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_kernels_are_serial_and_release_the_interpreter_lock():
    kernels = [v for m in modules() for v in vars(m).values() if hasattr(v, "targetoptions")]
    assert len(kernels) > 10
    for kernel in kernels:
        assert kernel.targetoptions.get("nogil") is True
        assert not kernel.targetoptions.get("parallel")


def test_a_compiler_without_the_flag_compiles_all_the_same():
    class Flags:
        __slots__ = ()

    flags = Flags()
    assert _compile._without_overlap(flags) is flags


def test_a_promise_that_arrays_do_not_overlap_spares_the_test_for_it(monkeypatch):
    monkeypatch.setattr(_compile, "_cache_for", lambda function: None)  # one function, two ways

    def add(a, b, out):
        for i in range(np.uint64(a.size)):
            out[i] = a[i] + b[i]

    promised, plain = _compile.kernel(noalias=True)(add), _compile.kernel(add)
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 1003)).astype(np.float32)
    for kernel in (promised, plain):
        out = np.empty_like(a)
        kernel(a, b, out)
        np.testing.assert_array_equal(out, a + b)
    if hasattr(promised, "inspect_llvm"):
        # LLVM names the block with the tests after what it is for.
        assert all("vector.memcheck" not in code for code in promised.inspect_llvm().values())
        assert all("vector.memcheck" in code for code in plain.inspect_llvm().values())
