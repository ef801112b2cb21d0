"""How every kernel is compiled: the one place for compile options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

import numba
from numba.core.caching import FunctionCache

P = ParamSpec("P")
R = TypeVar("R")

# nogil: the caller runs tiles on its own threads.  The numpy error model lets loops that divide
# vectorise: a division by zero gives inf or nan instead of a branch to an exception.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}


class _BestEffortCache(FunctionCache):  # type: ignore[misc]  # numba ships no types
    """The on-disk cache of compiled code, which may fail but never takes the kernel with it.

    A power cut can leave a truncated file and a device's disk can be full: the kernel is then
    compiled for this process, and the damaged entry is replaced where that is possible.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # unpickling damaged bytes can raise anything
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError:
            self.disable()
        except Exception:  # the index itself is damaged: start it anew
            try:
                self.flush()
                super().save_overload(sig, data)
            except Exception:
                self.disable()


def _cache_for(function: Callable[..., Any]) -> _BestEffortCache | None:
    """Return the cache of `function`, or None where no directory for it can be written."""
    try:
        return _BestEffortCache(function)
    except (RuntimeError, OSError):
        return None


def _without_overlap(flags: Any) -> Any:
    """Set the flag that numba has no option for; without it a kernel is slower and as right."""
    if hasattr(flags, "noalias"):
        flags.noalias = True
    return flags


@overload
def kernel(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def kernel(
    *, fastmath: frozenset[str] = ..., noalias: bool = ...
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def kernel(
    function: Callable[P, R] | None = None,
    /,
    *,
    fastmath: frozenset[str] = frozenset(),
    noalias: bool = False,
) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile `function` on its first call, serial and without the interpreter lock.

    The compiled code is kept in numba's cache directory (`NUMBA_CACHE_DIR`, or beside the
    source, or in the user's cache folder) and compiled for this process alone where none of
    them can be written, as on a device with a read-only image.

    Parameters
    ----------
    function
        The kernel, when the decorator stands without arguments.
    fastmath
        LLVM fast-math flags that this kernel may use, out of ``nsz``, ``arcp``, ``contract``,
        ``afn`` and ``reassoc``; never ``nnan`` or ``ninf``, which break the handling of NaN.
        All of them leave roundings to the compiler, which decides anew where code is shared and
        where it comes from the cache: the last bit may differ from one process to the next.
        Every use carries a line that says what it gained.
    noalias
        That no array which the kernel writes shares memory with another argument, as C's
        ``restrict``: loops need no test of overlap before they run as vectors.  A caller that
        breaks the promise gets wrong numbers.  Every use carries a line that says what it gained.
    """

    def compile_lazily(function: Callable[P, R]) -> Callable[P, R]:
        options = _OPTIONS | ({"fastmath": set(fastmath)} if fastmath else {})
        compiled: Callable[P, R] = numba.njit(**options)(function)
        if noalias and (compiler := getattr(compiled, "_compiler", None)) is not None:
            compiler._customize_flags = _without_overlap
        # With NUMBA_DISABLE_JIT the function comes back as it is and has nothing to cache.
        if compiled is not function and (cache := _cache_for(function)) is not None:
            compiled._cache = cache  # type: ignore[attr-defined]  # as Dispatcher.enable_caching
        return compiled

    return compile_lazily if function is None else compile_lazily(function)
