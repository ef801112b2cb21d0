"""How a device's data are read, in words for a person."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["UsbReads"]


@dataclass(frozen=True, kw_only=True)
class UsbReads:
    """How bulk IN is read.

    Parameters
    ----------
    n_transfers : int
        In flight at once.
    n_in_device_memory : int
        Of those, which the kernel fills without a copy.
    obstacle : str
        Why there is only one; empty if several are in flight.
    """

    n_transfers: int
    n_in_device_memory: int = 0
    obstacle: str = ""

    def __str__(self) -> str:
        if self.obstacle:
            return f"one transfer at a time ({self.obstacle})"
        memory = "in memory shared with the kernel"
        if not self.n_in_device_memory:
            memory = "copied by the kernel"
        elif self.n_in_device_memory < self.n_transfers:
            memory = f"{self.n_in_device_memory} of them {memory}"
        return f"{self.n_transfers} transfers in flight, {memory}"
