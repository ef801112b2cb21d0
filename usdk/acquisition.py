"""Acquisition: channel data and everything that is needed to read it."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError, DataDamagedError
from usdk.gain_curve import GainCurve
from usdk.probe import Probe
from usdk.transmit import TransmitSequence

__all__ = [
    "CHANNEL_DTYPES",
    "Acquisition",
    "DeviceInfo",
    "GainCurve",
    "Gap",
    "ReceiveSettings",
    "plain_apertures",
    "require_acquisition",
    "require_finite",
    "require_like",
    "time_zero_s",
]

CHANNEL_DTYPES = (np.dtype(np.int16), np.dtype(np.float32), np.dtype(np.complex64))
_DELAY_TOLERANCE_S = 1e-9


@dataclass(frozen=True, kw_only=True)
class DeviceInfo:
    """Who made the data.

    Parameters
    ----------
    manufacturer, model, serial_number, firmware_version : str
        As the device reports them.
    """

    manufacturer: str
    model: str
    serial_number: str = ""
    firmware_version: str = ""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Frames that did not arrive whole, and why.

    Parameters
    ----------
    first_sequence_number : int
        Sequence number of the first frame lost.
    n_frames : int
        Frames lost in a row.
    n_packets_lost, n_packets_damaged : int
        Packets that never came, and packets that came with a wrong checksum or length.
    """

    first_sequence_number: int
    n_frames: int
    n_packets_lost: int = 0
    n_packets_damaged: int = 0


@dataclass(frozen=True, kw_only=True)
class ReceiveSettings:
    """How echoes are sampled.

    Parameters
    ----------
    sampling_frequency_hz : float
        Rate at which samples follow each other, Hz.
    n_samples : int
        Samples per element and transmit.
    time_zero_s : tuple of float, one per transmit
        Time of sample 0 on each transmit's clock, s (see `usdk.transmit`).
    demodulation_frequency_hz : float
        Frequency by which IQ data were shifted to baseband, Hz; 0 for RF.
    sound_speed_m_s : float
        Sound speed for which delays were computed, m/s.
    wanted_depth_m : float, optional
        Depth that was asked for, m. The record reaches deeper straight ahead, so that it holds
        the slanting echoes of this depth too.
    tgc : GainCurve, optional
        Gain over time that the device really applied; unknown, or the same at all times, when
        absent. `usdk.remove_gain` undoes it.
    apertures : tuple of (first, stop), one per transmit, optional
        Elements that were received, as in a slice; all of them when absent. The samples of the
        others are 0.
    """

    sampling_frequency_hz: float
    n_samples: int
    time_zero_s: tuple[float, ...]
    demodulation_frequency_hz: float = 0.0
    sound_speed_m_s: float = 1540.0
    wanted_depth_m: float | None = None
    tgc: GainCurve | None = None
    apertures: tuple[tuple[int, int], ...] | None = None

    def __post_init__(self) -> None:
        # Kept as plain numbers, so that the description can be written as JSON.
        try:
            plain = {
                "sampling_frequency_hz": float(self.sampling_frequency_hz),
                "n_samples": operator.index(self.n_samples),
                "time_zero_s": tuple(float(value) for value in self.time_zero_s),
                "demodulation_frequency_hz": float(self.demodulation_frequency_hz),
                "sound_speed_m_s": float(self.sound_speed_m_s),
                "wanted_depth_m": (
                    None if self.wanted_depth_m is None else float(self.wanted_depth_m)
                ),
                "apertures": plain_apertures(self.apertures),
            }
        except (TypeError, ValueError, OverflowError) as error:
            raise ArgumentError(f"receive settings must be numbers: {error}") from error
        for name, value in plain.items():
            object.__setattr__(self, name, value)
        for name in ("sampling_frequency_hz", "sound_speed_m_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ArgumentError(f"{name} must be positive and finite, got {value}")
        if not (
            math.isfinite(self.demodulation_frequency_hz) and self.demodulation_frequency_hz >= 0
        ):
            raise ArgumentError("demodulation_frequency_hz must be 0 (RF) or positive")
        if self.n_samples < 1:
            raise ArgumentError(f"n_samples must be at least 1, got {self.n_samples}")
        wanted_m = self.wanted_depth_m
        if wanted_m is not None and not (math.isfinite(wanted_m) and wanted_m > 0):
            raise ArgumentError(f"wanted_depth_m must be positive and finite, got {wanted_m}")
        if not self.time_zero_s or not all(map(math.isfinite, self.time_zero_s)):
            raise ArgumentError("time_zero_s must hold one finite number per transmit")
        if self.tgc is not None and not isinstance(self.tgc, GainCurve):
            raise ArgumentError(f"tgc must be a GainCurve, got {type(self.tgc).__name__}")
        if self.apertures is not None and len(self.apertures) != len(self.time_zero_s):
            raise ArgumentError(
                f"{len(self.apertures)} receive apertures for {len(self.time_zero_s)} transmits: "
                "give one (first, stop) per transmit"
            )

    @property
    def reach_m(self) -> float:
        """Depth from which the last sample's echo comes, straight ahead, m."""
        last_s = min(self.time_zero_s) + (self.n_samples - 1) / self.sampling_frequency_hz
        return last_s * self.sound_speed_m_s / 2

    @property
    def depth_m(self) -> float:
        """Depth to look at, m: ``wanted_depth_m``, or all of `reach_m` when that is unknown."""
        reach_m = self.reach_m
        return reach_m if self.wanted_depth_m is None else min(self.wanted_depth_m, reach_m)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values from which `from_dict` rebuilds the settings."""
        # What is absent is left out: so a reader that is older than the entry reads the rest.
        more: dict[str, Any] = {}
        if self.tgc is not None:
            more["tgc"] = self.tgc.to_dict()
        if self.apertures is not None:
            more["apertures"] = [list(aperture) for aperture in self.apertures]
        return {
            "sampling_frequency_hz": self.sampling_frequency_hz,
            "n_samples": self.n_samples,
            "time_zero_s": list(self.time_zero_s),
            "demodulation_frequency_hz": self.demodulation_frequency_hz,
            "sound_speed_m_s": self.sound_speed_m_s,
            "wanted_depth_m": self.wanted_depth_m,
            **more,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ReceiveSettings:
        """Rebuild settings from `to_dict`'s output; `DataDamagedError` if they are not."""
        try:
            tgc = plain.get("tgc")
            return cls(**{**plain, "tgc": None if tgc is None else GainCurve.from_dict(tgc)})
        except (AttributeError, TypeError, ValueError) as error:
            raise DataDamagedError(f"not receive settings: {error}") from error


@dataclass(frozen=True, eq=False, kw_only=True)
class Acquisition:
    """Channel data of one or more frames.

    Parameters
    ----------
    data : ndarray, (n_frames, n_transmits, n_elements, n_samples)
        int16 or float32 RF, or complex64 IQ; C-contiguous.
    probe, sequence, receive
        What was used to make the data.
    sequence_numbers : ndarray of int64, (n_frames,), optional
        The device's count of each frame; 0, 1, … when absent.
    device_timestamps_s, host_timestamps_s : ndarray of float64, (n_frames,), optional
        Start of each frame on the device's clock, and its arrival on the host's (Unix time), s;
        NaN when unknown.
    gaps : tuple of Gap
        Frames lost since the acquisition before this one, and between its frames.
    device : DeviceInfo, optional
        Who made the data.

    Raises
    ------
    ArgumentError
        If data and description do not fit each other.
    """

    data: NDArray[Any]
    probe: Probe
    sequence: TransmitSequence
    receive: ReceiveSettings
    sequence_numbers: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    device_timestamps_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    host_timestamps_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    gaps: tuple[Gap, ...] = ()
    device: DeviceInfo | None = None

    def __post_init__(self) -> None:
        data = np.asarray(self.data)
        if data.dtype not in CHANNEL_DTYPES:
            names = ", ".join(dtype.name for dtype in CHANNEL_DTYPES)
            raise ArgumentError(f"data must be one of {names}, got {data.dtype}: use astype")
        expected = (len(self.sequence), self.probe.n_elements, self.receive.n_samples)
        if data.ndim != 4 or data.shape[0] < 1 or data.shape[1:] != expected:
            raise ArgumentError(
                f"data must have shape (n_frames, n_transmits, n_elements, n_samples) = "
                f"(n, {expected[0]}, {expected[1]}, {expected[2]}), got {data.shape}"
            )
        if len(self.receive.time_zero_s) != len(self.sequence):
            raise ArgumentError(
                f"time_zero_s has {len(self.receive.time_zero_s)} entries for "
                f"{len(self.sequence)} transmits"
            )
        if self.receive.apertures is not None:
            last = max(stop for _, stop in self.receive.apertures)
            if last > self.probe.n_elements:
                raise ArgumentError(
                    f"a receive aperture ends at element {last}, the probe has "
                    f"{self.probe.n_elements}"
                )
        is_iq = data.dtype.kind == "c"
        if is_iq != (self.receive.demodulation_frequency_hz > 0):
            raise ArgumentError(
                "complex data need demodulation_frequency_hz > 0, and real data need 0"
            )
        n_frames = data.shape[0]
        object.__setattr__(self, "data", np.ascontiguousarray(data))
        object.__setattr__(self, "gaps", tuple(self.gaps))
        self._fill("sequence_numbers", np.arange(n_frames, dtype=np.int64))
        self._fill("device_timestamps_s", np.full(n_frames, np.nan))
        self._fill("host_timestamps_s", np.full(n_frames, np.nan))

    def _fill(self, name: str, default: NDArray[Any]) -> None:
        values = np.asarray(getattr(self, name), dtype=default.dtype)
        if values.size == 0:
            values = default
        if values.shape != default.shape:
            raise ArgumentError(f"{name} must have shape {default.shape}, got {values.shape}")
        object.__setattr__(self, name, values)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self.data.shape[0])

    @property
    def is_iq(self) -> bool:
        """Whether the data are baseband IQ rather than RF."""
        return self.data.dtype.kind == "c"

    @property
    def transmit_frequency_hz(self) -> float:
        """Centre frequency of the pulse sent, Hz."""
        return self.sequence.frequency_hz or self.probe.centre_frequency_hz

    @property
    def n_frames_lost(self) -> int:
        """Frames lost in `gaps`."""
        return sum(gap.n_frames for gap in self.gaps)

    def gaps_before(self, frame: int) -> tuple[Gap, ...]:
        """Return the gaps just before a frame; the last frame takes those after it, too."""
        last = self.n_frames - 1
        first_lost = [gap.first_sequence_number for gap in self.gaps]
        owners = np.minimum(np.searchsorted(self.sequence_numbers, first_lost), last)
        return tuple(gap for gap, owner in zip(self.gaps, owners, strict=True) if owner == frame)

    def is_after_gap(self, frame: int) -> bool:
        """Return whether frames were lost between a frame and the one before it."""
        number = self.sequence_numbers[frame]
        return any(gap.first_sequence_number < number for gap in self.gaps_before(frame))

    def __getitem__(self, frames: slice) -> Acquisition:
        """Return the frames of a slice, sharing memory; a gap goes with the frame after it."""
        if not isinstance(frames, slice):
            raise ArgumentError("take frames by slice: acquisition[3:4] is the fourth frame")
        chosen = range(self.n_frames)[frames]
        if not chosen:
            raise ArgumentError(f"the slice holds none of the {self.n_frames} frames")
        return replace(
            self,
            data=self.data[frames],
            gaps=tuple(gap for frame in chosen for gap in self.gaps_before(frame)),
            sequence_numbers=self.sequence_numbers[frames],
            device_timestamps_s=self.device_timestamps_s[frames],
            host_timestamps_s=self.host_timestamps_s[frames],
        )


def plain_apertures(apertures: Any) -> tuple[tuple[int, int], ...] | None:
    """Return receive apertures as whole numbers; `ArgumentError` if one is empty or negative."""
    if apertures is None:
        return None
    try:
        plain = tuple(
            (operator.index(first), operator.index(stop)) for first, stop in tuple(apertures)
        )
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"a receive aperture is (first, stop), as a slice: {error}") from None
    if not all(0 <= first < stop for first, stop in plain):
        raise ArgumentError("a receive aperture is (first, stop) with 0 <= first < stop")
    return plain


def require_acquisition(value: object) -> None:
    """Raise `ArgumentError` if ``value`` is not an `Acquisition`, but bare samples for example."""
    if not isinstance(value, Acquisition):
        raise ArgumentError(
            f"give a usdk.Acquisition, samples with their description, not {type(value).__name__}"
        )


def require_like(
    acquisition: Acquisition,
    kind: tuple[Probe, TransmitSequence, ReceiveSettings],
    plan: str,
) -> None:
    """Raise `ArgumentError` if an acquisition is not of the kind that a plan was made for.

    Parameters
    ----------
    acquisition : Acquisition
        What the plan was given.
    kind : (Probe, TransmitSequence, ReceiveSettings)
        Those of the acquisition that it was made from.
    plan : str
        Name of the plan's class, for the message.
    """
    require_acquisition(acquisition)
    probe, sequence, receive = kind
    if (acquisition.sequence, acquisition.receive) != (sequence, receive) or not (
        probe.is_like(acquisition.probe)
    ):
        raise ArgumentError(
            f"planned for another probe, sequence or receive settings: make a new {plan}"
        )


def require_finite(acquisition: Acquisition) -> None:
    """Raise `ArgumentError` if the samples hold NaN or infinity."""
    data = acquisition.data
    if data.dtype.kind == "i":
        return
    flat = data.reshape(-1).view(np.float32)
    # One pass without a temporary array; only a sum that is not finite earns the exact search.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(flat.sum(dtype=np.float64)):
            return
    bad = np.argwhere(~np.isfinite(data))
    if bad.size:
        frame, transmit, element, sample = (int(index) for index in bad[0])
        raise ArgumentError(
            f"{len(bad)} samples are NaN or infinite, the first at frame {frame}, transmit "
            f"{transmit}, element {element}, sample {sample}: replace them (0 is silence)"
        )


def time_zero_s(
    sequence: TransmitSequence,
    probe: Probe,
    sound_speed_m_s: float,
    *,
    delays_s: NDArray[np.float64],
    first_sample_s: float,
) -> tuple[float, ...]:
    """Convert a foreign clock to the transmits' own.

    Parameters
    ----------
    delays_s : ndarray, (n_transmits, n_elements)
        When each element fired on the foreign clock, s; NaN when silent.
    first_sample_s : float
        Time of sample 0 on the foreign clock, s.

    Returns
    -------
    tuple of float, one per transmit
        Time of sample 0 on each transmit's clock, s.

    Raises
    ------
    ArgumentError
        If the delays are not those of the sequence: the described waves were not sent.
    """
    delays_s = np.asarray(delays_s, dtype=np.float64)
    own_s = sequence.delays_s(probe, sound_speed_m_s)
    if own_s.shape != delays_s.shape or not np.array_equal(np.isnan(own_s), np.isnan(delays_s)):
        raise ArgumentError("delays_s and the sequence's firing elements do not match")
    difference_s = own_s - delays_s
    if np.any(np.nanmax(difference_s, 1) - np.nanmin(difference_s, 1) > _DELAY_TOLERANCE_S):
        raise ArgumentError("delays_s are not those of the sequence: check geometry and speed")
    return tuple((first_sample_s + np.nanmean(difference_s, axis=1)).tolist())
