"""What became of the kernels that were to be compiled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["KernelReport", "WarmUpReport"]


@dataclass(frozen=True, kw_only=True)
class KernelReport:
    """What became of one kernel.

    Parameters
    ----------
    name : str
        Module and function.
    n_variants : int
        Combinations of types that it is now compiled for.
    compile_time_s : float
        Time that compiling took, that of the kernels it calls included, s; 0 when all came from
        the cache.
    is_cached : bool
        Whether the next process will find it compiled.
    """

    name: str
    n_variants: int
    compile_time_s: float
    is_cached: bool


@dataclass(frozen=True, kw_only=True)
class WarmUpReport:
    """What `warm_up` did.

    Parameters
    ----------
    kernels : tuple of KernelReport
        Every public kernel.
    directories : tuple of Path
        Where compiled code is kept; empty when it is kept nowhere.
    time_s : float
        Time for all of it, s.
    """

    kernels: tuple[KernelReport, ...]
    directories: tuple[Path, ...]
    time_s: float

    @property
    def is_cached(self) -> bool:
        """Whether the next process will compile nothing."""
        return all(kernel.is_cached for kernel in self.kernels)
