"""Warming up: a rehearsal, and what the compiler made of it."""

from __future__ import annotations

import pkgutil
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from numba.core import event

import usdk_kernels
from usdk.errors import StateError
from usdk.kernel_cache.rehearsal import rehearse
from usdk.kernel_cache.report import KernelReport, WarmUpReport

__all__ = ["public_kernels", "warm_up"]


def warm_up() -> WarmUpReport:
    """Compile every kernel for the types that usdk calls it with, and keep the result.

    Raises
    ------
    StateError
        If ``NUMBA_DISABLE_JIT`` is set, so that nothing is ever compiled.
    """
    kernels = dict(public_kernels())
    if not kernels:
        raise StateError("NUMBA_DISABLE_JIT is set: kernels run as plain Python, unset it")
    begun_s = time.perf_counter()
    with event.install_recorder("numba:compile") as recorder:
        rehearse()
    times_s = _compile_times_s(recorder.buffer)
    reports = tuple(
        KernelReport(
            name=name,
            n_variants=len(kernel.signatures),
            compile_time_s=times_s.get(name, 0.0),
            is_cached=_is_cached(kernel),
        )
        for name, kernel in sorted(kernels.items())
    )
    places = {kernel.stats.cache_path for kernel in kernels.values()} - {None}
    return WarmUpReport(
        kernels=reports,
        directories=tuple(sorted(Path(place) for place in places)),
        time_s=time.perf_counter() - begun_s,
    )


def public_kernels() -> Iterator[tuple[str, Any]]:
    """Yield every kernel by its file and name; none where nothing is compiled."""
    for module_info in pkgutil.iter_modules(usdk_kernels.__path__):
        module = import_module(f"{usdk_kernels.__name__}.{module_info.name}")
        for name, value in vars(module).items():
            is_own = getattr(value, "__module__", None) == module.__name__
            if is_own and not name.startswith("_") and hasattr(value, "signatures"):
                yield f"{module_info.name}.{name}", value


def _compile_times_s(buffer: list[tuple[float, Any]]) -> dict[str, float]:
    """Return the compile time of each kernel, from the beginnings and ends that numba announced."""
    begun_s: dict[int, float] = {}
    times_s: dict[str, float] = {}
    for moment_s, happening in buffer:
        dispatcher = happening.data["dispatcher"]
        if happening.is_start:
            begun_s.setdefault(id(dispatcher), moment_s)
        elif (first_s := begun_s.pop(id(dispatcher), None)) is not None:
            function = dispatcher.py_func
            name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
            times_s[name] = times_s.get(name, 0.0) + moment_s - first_s
    return times_s


def _is_cached(kernel: Any) -> bool:
    """Tell whether numba has an index file for a kernel where it can still add to it."""
    place = kernel.stats.cache_path
    if place is None or not kernel.signatures:
        return False
    module = kernel.__module__.rpartition(".")[2]
    if not any(Path(place).glob(f"{module}.{kernel.__qualname__}-*.nbi")):
        return False
    if not kernel.stats.cache_misses:
        return True
    try:
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False
