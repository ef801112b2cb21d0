"""ClutterFilter: what takes the echoes of tissue away along slow time."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClutterFilter"]


class ClutterFilter(ABC):
    """A filter along slow time; one object serves any number of packets.

    A filter of this contract works on each packet by itself. Those that can also go on from one
    packet to the next, where the pulses never stop, say so in their own documentation.
    """

    @abstractmethod
    def n_pulses_out(self, n_pulses: int) -> int:
        """Return how many pulses of a packet are left; `ArgumentError` if it is too short."""

    @abstractmethod
    def matrix(self, n_pulses: int) -> NDArray[np.float32] | NDArray[np.complex64] | None:
        """Return F, (n_pulses_out, n_pulses), with y = F x for every packet x.

        None for a filter that looks at the data first and is another matrix for each.
        """

    @abstractmethod
    def __call__(
        self,
        packet: NDArray[np.complex64],
        *,
        out: NDArray[np.complex64] | None = None,
        threads: int | None = None,
    ) -> NDArray[np.complex64]:
        """Return the packet without its clutter.

        Parameters
        ----------
        packet : ndarray of complex64, (..., n_pulses)
            Beamformed IQ, slow time last, C-contiguous; the last axis before it is depth. Not
            changed.
        out : ndarray of complex64, (..., n_pulses_out), optional
            Where to write.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.

        Raises
        ------
        ArgumentError
            If the packet is too short for the filter, or no packet.
        """

    @abstractmethod
    def describe(self) -> str:
        """Return the filter's name and settings in a few words, for provenance."""
