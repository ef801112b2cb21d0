"""The SEQUENCE message: what is asked of the device, and its answer with what was really set."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import GainCurve
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
from usdk_drivers.wire.protocol import MAX_GAIN_POINTS, MAX_SAMPLES

__all__ = ["SequenceSettings", "sequence_bytes"]

_SETTINGS = "IIIIddddddddB3xI40x"
_WAVE = "BBHIIId7dII8x"
_HAS_APERTURE = 1
_HAS_RECEIVE_APERTURE = 2
_N_PARAMETERS = 7
MIN_SOUND_SPEED_M_S, MAX_SOUND_SPEED_M_S = 100.0, 20_000.0
"""Slower than in gas, faster than in diamond: then it was meant in another unit."""

MAX_SAMPLING_FREQUENCY_HZ = 1e11
"""Far past every converter."""

MAX_TIME_S = 1.0
"""Delays and first samples are this far from a transmit's start at most, s: 770 m of tissue."""


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
    tgc : GainCurve, optional
        Gain over time; absent for one that is the same at all times.
    apertures : tuple of (first, stop), one per transmit, optional
        Elements that are received; all of them when absent.
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
    tgc: GainCurve | None = None
    apertures: tuple[tuple[int, int], ...] | None = None

    def aperture(self, transmit: int) -> tuple[int, int]:
        """Return which elements of a transmit are received, as in a slice."""
        return self.apertures[transmit] if self.apertures else (0, self.delays_s.shape[1])

    @property
    def largest_aperture(self) -> int:
        """Most elements that are received of a transmit."""
        if self.apertures is None:
            return int(self.delays_s.shape[1])
        return max(stop - first for first, stop in self.apertures)

    def pack(self) -> bytes:
        """Return the whole message."""
        n_transmits, n_elements = self.delays_s.shape
        if n_transmits != len(self.sequence) or n_transmits != len(self.first_sample_s):
            raise ArgumentError("one row of delays and one first sample per transmit")
        if self.apertures is not None and len(self.apertures) != n_transmits:
            raise ArgumentError("one receive aperture per transmit, or none at all")
        gains = _pack_gains(self.tgc)
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
            len(gains) // 2,
        )
        apertures = self.apertures or (None,) * n_transmits
        waves = map(_pack_wave, self.sequence.transmits, self.first_sample_s, apertures)
        arrays = pack_array(self.delays_s) + pack_array(gains)
        return frame_message(MessageType.SEQUENCE, body + b"".join(waves) + arrays)

    @classmethod
    def unpack(cls, message: bytes | memoryview) -> SequenceSettings:
        """Return the settings; `DataDamagedError` if the message is none."""
        reader = FieldReader(unframe_message(MessageType.SEQUENCE, message))
        fields = reader.unpack(_SETTINGS)
        identifier, n_transmits, n_elements, n_samples, *numbers, data_type, n_gain_points = fields
        frequency_hz, n_cycles, prf_hz, sampling_hz, demodulation_hz, *numbers = numbers
        speed_m_s, rate_hz, wanted_depth_m = numbers
        if not (1 <= n_transmits <= MAX_TRANSMITS and 1 <= n_elements <= MAX_ELEMENTS):
            raise DataDamagedError(f"a sequence of {n_transmits} transmits, {n_elements} elements")
        if not 1 <= n_samples <= MAX_SAMPLES or data_type not in (0, *DataType):
            raise DataDamagedError(f"{n_samples} samples of type {data_type}")
        if n_gain_points > MAX_GAIN_POINTS:
            raise DataDamagedError(f"a gain curve of {n_gain_points} points")
        if not 1.0 <= sampling_hz <= MAX_SAMPLING_FREQUENCY_HZ:
            raise DataDamagedError(f"a sampling frequency of {sampling_hz} Hz cannot be")
        if not MIN_SOUND_SPEED_M_S <= speed_m_s <= MAX_SOUND_SPEED_M_S:
            raise DataDamagedError(f"a sound speed of {speed_m_s} m/s cannot be")
        if not (math.isnan(wanted_depth_m) or 0 < wanted_depth_m < math.inf):
            raise DataDamagedError("the depth must be positive, or NaN")
        if not (math.isfinite(demodulation_hz) and demodulation_hz >= 0):
            raise DataDamagedError("the demodulation frequency must be 0 or positive")
        try:
            waves, first_sample_s, windows = zip(
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
        # A NaN may be one that signals when it is computed with.
        delays_s[np.isnan(delays_s)] = np.nan
        tgc = _gains(reader.array(n_gain_points, 2))
        reader.finish()
        times_s = np.abs(np.append(delays_s, first_sample_s))
        if np.isnan(first_sample_s).any() or not np.all(
            np.isnan(times_s) | (times_s <= MAX_TIME_S)
        ):
            raise DataDamagedError(f"a delay or first sample is not within {MAX_TIME_S:g} s")
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
            tgc=tgc,
            apertures=_apertures(windows, n_elements),
        )


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _pack_gains(tgc: GainCurve | None) -> NDArray[np.float64]:
    """Return time and gain of each point in turn."""
    if tgc is None:
        return np.empty(0)
    return np.column_stack((tgc.times_s, tgc.gains_db)).reshape(-1)


def _gains(points: NDArray[np.float64]) -> GainCurve | None:
    if not points.size:
        return None
    try:
        return GainCurve(times_s=points[:, 0].tolist(), gains_db=points[:, 1].tolist())
    except ArgumentError as error:
        raise DataDamagedError(f"an impossible gain curve: {error}") from error


def _apertures(
    windows: tuple[tuple[int, int] | None, ...], n_elements: int
) -> tuple[tuple[int, int], ...] | None:
    """Return the receive apertures, if they are given for all transmits or for none."""
    if all(window is None for window in windows):
        return None
    given = tuple(window for window in windows if window is not None)
    if len(given) < len(windows):
        raise DataDamagedError("receive apertures are given for some transmits and not for others")
    if not all(0 <= first < stop <= n_elements for first, stop in given):
        raise DataDamagedError("a receive aperture is empty, or has elements that are not there")
    return given


def _pack_wave(wave: Transmit, first_sample_s: float, received: tuple[int, int] | None) -> bytes:
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
    flags |= _HAS_RECEIVE_APERTURE if received else 0
    head = (kind, flags, 0, first, stop, element, first_sample_s)
    return struct.pack("<" + _WAVE, *head, *padded, *(received or (0, 0)))


def _read_wave(reader: FieldReader) -> tuple[Transmit, float, tuple[int, int] | None]:
    kind, flags, _, first, stop, element, first_sample_s, *values = reader.unpack(_WAVE)
    received = (values[7], values[8]) if flags & _HAS_RECEIVE_APERTURE else None
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
    return wave, first_sample_s, received
