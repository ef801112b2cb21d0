"""Compiling and caching every kernel ahead of the first frame."""

from usdk.kernel_cache.report import KernelReport, WarmUpReport
from usdk.kernel_cache.warming import warm_up

__all__ = ["KernelReport", "WarmUpReport", "warm_up"]
