"""The SEQUENCE message: what is asked of the device, and its answer with what was really set."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError, DataDamagedError
from usdk.probe import MAX_ELEMENTS
from usdk.transmit import (
    MAX_TRANSMITS,
    DivergingWave,
    FocusedWave,
    PlaneWave,
    SingleElement,
    Transmit,
    TransmitSequence,
)
from usdk_drivers.wire.fields import FieldReader, pack_array
from usdk_drivers.wire.message import MessageType, frame_message, unframe_message
from usdk_drivers.wire.packet import DataType
from usdk_drivers.wire.protocol import MAX_SAMPLES

__all__ = ["SequenceSettings", "sequence_bytes"]

_SETTINGS = "IIIIddddddddB7x"
_WAVE = "BBHIIId7d"
_HAS_APERTURE = 1
_N_PARAMETERS = 7


class _WaveKind(IntEnum):
    PLANE = 1
    DIVERGING = 2
    FOCUSED = 3
    SINGLE = 4


def sequence_bytes(n_transmits: int, n_elements: int) -> int:
    """Return how long the body of a sequence is, bytes."""
    delays_bytes = 8 * n_elements
    return struct.calcsize("<" + _SETTINGS) + n_transmits * (
        struct.calcsize("<" + _WAVE) + delays_bytes
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class SequenceSettings:
    """A sequence on the device's own clock.

    Parameters
    ----------
    configuration_id : int
        Chosen by the host for each upload; packets carry it.
    delays_s : ndarray, (n_transmits, n_elements), float64
        When each element fires after the transmit's start on the device's clock, s; NaN if silent.
    first_sample_s : tuple of float, one per transmit
        Time of sample 0 on the same clock, s.
    data_type : DataType, optional
        Type of a sample; absent in a request.
    frame_rate_hz : float
        NaN in a request, or if unknown.
    wanted_depth_m : float, optional
        Depth that was asked for, m.
    """

    configuration_id: int
    sequence: TransmitSequence
    delays_s: NDArray[np.float64]
    first_sample_s: tuple[float, ...]
    sampling_frequency_hz: float
    n_samples: int
    sound_speed_m_s: float
    demodulation_frequency_hz: float = 0.0
    data_type: DataType | None = None
    frame_rate_hz: float = math.nan
    wanted_depth_m: float | None = None

    def pack(self) -> bytes:
        """Return the whole message."""
        n_transmits, n_elements = self.delays_s.shape
        if n_transmits != len(self.sequence) or n_transmits != len(self.first_sample_s):
            raise ArgumentError("one row of delays and one first sample per transmit")
        body = struct.pack(
            "<" + _SETTINGS,
            self.configuration_id,
            n_transmits,
            n_elements,
            self.n_samples,
            _or_nan(self.sequence.frequency_hz),
            self.sequence.n_cycles,
            _or_nan(self.sequence.prf_hz),
            self.sampling_frequency_hz,
            self.demodulation_frequency_hz,
            self.sound_speed_m_s,
            self.frame_rate_hz,
            _or_nan(self.wanted_depth_m),
            self.data_type or 0,
        )
        waves = map(_pack_wave, self.sequence.transmits, self.first_sample_s)
        return frame_message(
            MessageType.SEQUENCE, body + b"".join(waves) + pack_array(self.delays_s)
        )

    @classmethod
    def unpack(cls, message: bytes | memoryview) -> SequenceSettings:
        """Return the settings; `DataDamagedError` if the message is none."""
        reader = FieldReader(unframe_message(MessageType.SEQUENCE, message))
        (identifier, n_transmits, n_elements, n_samples, *numbers, data_type) = reader.unpack(
            _SETTINGS
        )
        frequency_hz, n_cycles, prf_hz, sampling_hz, demodulation_hz, *numbers = numbers
        speed_m_s, rate_hz, wanted_depth_m = numbers
        if not (1 <= n_transmits <= MAX_TRANSMITS and 1 <= n_elements <= MAX_ELEMENTS):
            raise DataDamagedError(f"a sequence of {n_transmits} transmits, {n_elements} elements")
        if not 1 <= n_samples <= MAX_SAMPLES or data_type not in (0, *DataType):
            raise DataDamagedError(f"{n_samples} samples of type {data_type}")
        if not all(math.isfinite(value) and value > 0 for value in (sampling_hz, speed_m_s)):
            raise DataDamagedError("sampling frequency and sound speed must be positive")
        if not (math.isnan(wanted_depth_m) or 0 < wanted_depth_m < math.inf):
            raise DataDamagedError("the depth must be positive, or NaN")
        if not (math.isfinite(demodulation_hz) and demodulation_hz >= 0):
            raise DataDamagedError("the demodulation frequency must be 0 or positive")
        try:
            waves, first_sample_s = zip(
                *(_read_wave(reader) for _ in range(n_transmits)), strict=True
            )
            sequence = TransmitSequence(
                transmits=waves,
                frequency_hz=_or_none(frequency_hz),
                n_cycles=n_cycles,
                prf_hz=_or_none(prf_hz),
            )
        except ArgumentError as error:
            raise DataDamagedError(f"an impossible transmit: {error}") from error
        delays_s = reader.array(n_transmits, n_elements)
        reader.finish()
        if np.any(np.isinf(delays_s)) or not all(map(math.isfinite, first_sample_s)):
            raise DataDamagedError("a delay or first sample is not finite")
        return cls(
            configuration_id=identifier,
            sequence=sequence,
            delays_s=delays_s,
            first_sample_s=first_sample_s,
            sampling_frequency_hz=sampling_hz,
            n_samples=n_samples,
            sound_speed_m_s=speed_m_s,
            demodulation_frequency_hz=demodulation_hz,
            data_type=DataType(data_type) if data_type else None,
            frame_rate_hz=rate_hz,
            wanted_depth_m=_or_none(wanted_depth_m),
        )


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _pack_wave(wave: Transmit, first_sample_s: float) -> bytes:
    element = 0
    parameters: tuple[float, ...] = ()
    match wave:
        case PlaneWave():
            kind, parameters = _WaveKind.PLANE, (wave.azimuth_rad, wave.elevation_rad)
        case DivergingWave():
            kind, parameters = _WaveKind.DIVERGING, (*wave.source_m, *wave.origin_m)
        case FocusedWave():
            kind = _WaveKind.FOCUSED
            parameters = (*wave.focus_m, *wave.origin_m, _or_nan(wave.transition_m))
        case SingleElement():
            kind, element = _WaveKind.SINGLE, wave.element
        case _:
            raise ArgumentError(f"a {wave.kind} transmit cannot be sent by protocol version 1")
    first, stop = wave.aperture or (0, 0)
    padded = parameters + (0.0,) * (_N_PARAMETERS - len(parameters))
    flags = _HAS_APERTURE if wave.aperture else 0
    return struct.pack("<" + _WAVE, kind, flags, 0, first, stop, element, first_sample_s, *padded)


def _read_wave(reader: FieldReader) -> tuple[Transmit, float]:
    kind, flags, _, first, stop, element, first_sample_s, *values = reader.unpack(_WAVE)
    aperture = (first, stop) if flags & _HAS_APERTURE else None
    one, two = (values[0], values[1], values[2]), (values[3], values[4], values[5])
    wave: Transmit
    match kind:
        case _WaveKind.PLANE:
            wave = PlaneWave(azimuth_rad=values[0], elevation_rad=values[1], aperture=aperture)
        case _WaveKind.DIVERGING:
            wave = DivergingWave(source_m=one, origin_m=two, aperture=aperture)
        case _WaveKind.FOCUSED:
            transition_m = _or_none(values[6])
            wave = FocusedWave(
                focus_m=one, origin_m=two, transition_m=transition_m, aperture=aperture
            )
        case _WaveKind.SINGLE:
            wave = SingleElement(element=element, aperture=aperture)
        case _:
            raise DataDamagedError(f"transmit kind {kind} is unknown")
    return wave, first_sample_s
