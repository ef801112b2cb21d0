"""Geometry: everything of a beamformer's plan that is not a choice of method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import Scan
from usdk.transmit import TransmitSequence

__all__ = ["Geometry"]


@dataclass(frozen=True, eq=False)
class Geometry:
    """What made the channel data, and where to look.

    Parameters
    ----------
    probe, sequence, receive
        What made the channel data.
    scan : Scan
        Where to look.

    Raises
    ------
    ArgumentError
        If probe, sequence and receive settings do not fit each other.
    """

    probe: Probe
    sequence: TransmitSequence
    receive: ReceiveSettings
    scan: Scan

    def __post_init__(self) -> None:
        if len(self.receive.time_zero_s) != len(self.sequence):
            raise ArgumentError(
                f"time_zero_s has {len(self.receive.time_zero_s)} entries for "
                f"{len(self.sequence)} transmits"
            )
        n_elements = self.probe.n_elements
        for transmit in self.sequence.transmits:
            if transmit.aperture is not None and transmit.aperture[1] > n_elements:
                raise ArgumentError(
                    f"aperture {transmit.aperture} reaches past the {n_elements} elements of "
                    f"{self.probe.name}: use the sequence that the probe sent"
                )

    @property
    def is_iq(self) -> bool:
        """Whether the channel data are IQ, or RF."""
        return self.receive.demodulation_frequency_hz > 0

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the channel data as kernels take them, and of the sum: complex64 or float32."""
        return np.dtype(np.complex64 if self.is_iq else np.float32)

    @property
    def data_shape(self) -> tuple[int, int, int]:
        """Shape of one frame of channel data, (n_transmits, n_elements, n_samples)."""
        return (len(self.sequence), self.probe.n_elements, self.receive.n_samples)

    def kernel_data(self, data: NDArray[Any]) -> NDArray[Any]:
        """Return channel data as the kernels take them: of `dtype`, C-contiguous and writable.

        Raises
        ------
        ArgumentError
            If they are IQ and the geometry is one of RF, or the other way round, or no numbers.
        """
        if data.dtype.kind not in "fiuc":
            raise ArgumentError(f"data must be numbers, RF or IQ, got {data.dtype}")
        if (data.dtype.kind == "c") != self.is_iq:
            raise ArgumentError(
                "planned for " + ("IQ, got RF: demodulate first" if self.is_iq else "RF, got IQ")
            )
        # A read-only array is another type to the compiler, which would compile the kernel again.
        return np.require(data, self.dtype, ("C", "W"))

    @property
    def wavelength_m(self) -> float:
        """Wavelength of the pulse sent, m."""
        frequency_hz = self.sequence.frequency_hz or self.probe.centre_frequency_hz
        return self.receive.sound_speed_m_s / frequency_hz
