"""Transmits: what each wavefront is, when each element fires, when the wave arrives where.

Every transmit has one clock. Its zero is the instant at which the wavefront passes the transmit's
origin (the array origin unless said otherwise; for a single element, the instant it fires).
Element delays, arrival times and an acquisition's time zero all count on that clock, so that they
can be added without knowing how a front-end counts.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError, DataDamagedError
from usdk.probe import Probe

__all__ = [
    "MAX_DISTANCE_M",
    "MAX_TRANSMITS",
    "DivergingWave",
    "FocusedWave",
    "PlaneWave",
    "SingleElement",
    "Transmit",
    "TransmitSequence",
]

MAX_TRANSMITS = 4096
MAX_DISTANCE_M = 1e6
"""Farthest source, focus or origin of a wave, m; from there a wave is plane to any array."""

Vector = tuple[float, float, float]
_ORIGIN: Vector = (0.0, 0.0, 0.0)
# In λ F²: puts blended arrival times closest to the field that an aperture sends.
_FOCAL_ZONE = 8.0


@dataclass(frozen=True, kw_only=True)
class Transmit(ABC):
    """One transmit event.

    Parameters
    ----------
    aperture : (int, int), optional
        First and one past the last element that fire; all of them when absent.
    """

    aperture: tuple[int, int] | None = None
    kind: ClassVar[str]

    def __post_init__(self) -> None:
        if self.aperture is not None:
            try:
                first, stop = (operator.index(edge) for edge in self.aperture)
            except (TypeError, ValueError):
                first, stop = -1, -1
            if not 0 <= first < stop:
                raise ArgumentError(f"aperture {self.aperture} must be (first, one past the last)")
            object.__setattr__(self, "aperture", (first, stop))

    def element_delays_s(self, probe: Probe, sound_speed_m_s: float) -> NDArray[np.float64]:
        """Return when each element fires on the transmit's clock, (n_elements,), s.

        A silent element's delay is NaN.
        """
        delays_s = self._delays_s(probe, sound_speed_m_s)
        if self.aperture is not None:
            first, stop = self.aperture
            if stop > probe.n_elements:
                raise ArgumentError(
                    f"aperture {self.aperture} needs {stop} elements, {probe.name} has "
                    f"{probe.n_elements}"
                )
            delays_s[:first] = np.nan
            delays_s[stop:] = np.nan
        return delays_s

    @abstractmethod
    def arrival_time_s(
        self, points_m: NDArray[np.float64], probe: Probe, sound_speed_m_s: float
    ) -> NDArray[np.float64]:
        """Return when the wavefront passes each point, (...,), s, for points_m (..., 3), m."""

    @abstractmethod
    def _delays_s(self, probe: Probe, sound_speed_m_s: float) -> NDArray[np.float64]: ...

    def to_dict(self) -> dict[str, Any]:
        """Return plain values from which `TransmitSequence.from_dict` rebuilds the transmit."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class PlaneWave(Transmit):
    """A plane wave; azimuth turns it from +z towards +x, elevation towards +y."""

    azimuth_rad: float = 0.0
    elevation_rad: float = 0.0
    kind: ClassVar[str] = "plane"

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in ("azimuth_rad", "elevation_rad"):
            angle_rad = _number(getattr(self, field), field)
            if not abs(angle_rad) < math.pi / 2:
                raise ArgumentError(f"{field} must lie between −π/2 and π/2, got {angle_rad}")
            object.__setattr__(self, field, angle_rad)

    @property
    def direction(self) -> NDArray[np.float64]:
        """Unit vector of travel, (3,)."""
        cos_elevation = math.cos(self.elevation_rad)
        return np.array(
            [
                math.sin(self.azimuth_rad) * cos_elevation,
                math.sin(self.elevation_rad),
                math.cos(self.azimuth_rad) * cos_elevation,
            ]
        )

    def arrival_time_s(
        self, points_m: NDArray[np.float64], probe: Probe, sound_speed_m_s: float
    ) -> NDArray[np.float64]:
        """Return (p · direction) / c; Montaldo et al., IEEE TUFFC 56(3), 2009, eq. 3."""
        return np.asarray(points_m @ self.direction / sound_speed_m_s)

    def _delays_s(self, probe: Probe, sound_speed_m_s: float) -> NDArray[np.float64]:
        return self.arrival_time_s(probe.element_positions_m, probe, sound_speed_m_s)


@dataclass(frozen=True, kw_only=True)
class DivergingWave(Transmit):
    """A wave that seems to come from a virtual source behind the array."""

    source_m: Vector
    origin_m: Vector = _ORIGIN
    kind: ClassVar[str] = "diverging"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "source_m", _vector(self.source_m, "source_m"))
        object.__setattr__(self, "origin_m", _vector(self.origin_m, "origin_m"))

    def arrival_time_s(
        self, points_m: NDArray[np.float64], probe: Probe, sound_speed_m_s: float
    ) -> NDArray[np.float64]:
        """Return (|p − source| − |origin − source|) / c."""
        source_m = np.array(self.source_m)
        reference_m = math.dist(self.origin_m, self.source_m)
        distance_m = np.linalg.norm(points_m - source_m, axis=-1)
        return np.asarray((distance_m - reference_m) / sound_speed_m_s)

    def _delays_s(self, probe: Probe, sound_speed_m_s: float) -> NDArray[np.float64]:
        return self.arrival_time_s(probe.element_positions_m, probe, sound_speed_m_s)


@dataclass(frozen=True, kw_only=True)
class FocusedWave(Transmit):
    """A wave that converges to a focus in front of the array and diverges behind it.

    Parameters
    ----------
    focus_m : (x, y, z)
        Focus, m.
    origin_m : (x, y, z)
        Where the beam's axis leaves the array, m; the clock's zero.
    transition_m : float, optional
        Half-length, m, of the zone about the focus in which the arrival time goes over from the
        converging to the diverging sphere. Without it the time would jump by twice the distance
        from the axis at the focal depth. When absent 8 λ F², the length of the focal zone itself,
        and at most the focal length; λ at the probe's centre frequency, F the focal length over
        the width of the active aperture.
    """

    focus_m: Vector
    origin_m: Vector = _ORIGIN
    transition_m: float | None = None
    kind: ClassVar[str] = "focused"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "focus_m", _vector(self.focus_m, "focus_m"))
        object.__setattr__(self, "origin_m", _vector(self.origin_m, "origin_m"))
        if math.dist(self.focus_m, self.origin_m) == 0:
            raise ArgumentError("focus_m must not coincide with origin_m")
        if self.transition_m is None:
            return
        object.__setattr__(self, "transition_m", _number(self.transition_m, "transition_m"))
        if not (math.isfinite(self.transition_m) and self.transition_m > 0):
            raise ArgumentError(f"transition_m must be positive, got {self.transition_m}")

    def arrival_time_s(
        self, points_m: NDArray[np.float64], probe: Probe, sound_speed_m_s: float
    ) -> NDArray[np.float64]:
        """Return (|focus − origin| ± |p − focus|) / c, − before the focus and + behind it.

        Within ``transition_m`` of the focal plane the signed distance is blended linearly with
        the plane wave's, which is zero there: continuous everywhere, exact on the axis. The wave
        that an aperture sends is flat at its focus and nearly spherical beyond the focal zone.
        """
        focus_m, origin_m = np.array(self.focus_m), np.array(self.origin_m)
        focal_length_m = math.dist(self.focus_m, self.origin_m)
        axis = (focus_m - origin_m) / focal_length_m
        offset_m = points_m - focus_m
        axial_m = offset_m @ axis
        spherical_m = np.copysign(np.linalg.norm(offset_m, axis=-1), axial_m)
        transition_m = self.transition_m or self._focal_zone_m(probe, sound_speed_m_s)
        share = np.minimum(np.abs(axial_m) / transition_m, 1.0)
        signed_m = axial_m + share * (spherical_m - axial_m)
        return np.asarray((focal_length_m + signed_m) / sound_speed_m_s)

    def _focal_zone_m(self, probe: Probe, sound_speed_m_s: float) -> float:
        focal_length_m = math.dist(self.focus_m, self.origin_m)
        axis = (np.array(self.focus_m) - np.array(self.origin_m)) / focal_length_m
        first, stop = self.aperture or (0, probe.n_elements)
        active_m = probe.element_positions_m[first:stop]
        across_m = active_m - np.outer(active_m @ axis, axis)
        across_m -= across_m.mean(axis=0)
        # A full row of width D has a variance of D² / 12, whichever way it runs.
        variance_m2 = float(np.linalg.norm(across_m.T @ across_m, 2)) / max(len(active_m), 1)
        aperture_m = math.sqrt(12 * variance_m2 + probe.element_width_m**2)
        wavelength_m = sound_speed_m_s / probe.centre_frequency_hz
        return min(_FOCAL_ZONE * wavelength_m * (focal_length_m / aperture_m) ** 2, focal_length_m)

    def _delays_s(self, probe: Probe, sound_speed_m_s: float) -> NDArray[np.float64]:
        focal_length_m = math.dist(self.focus_m, self.origin_m)
        distance_m = np.linalg.norm(probe.element_positions_m - np.array(self.focus_m), axis=1)
        return np.asarray((focal_length_m - distance_m) / sound_speed_m_s)


@dataclass(frozen=True, kw_only=True)
class SingleElement(Transmit):
    """One element fires alone; the clock starts when it does."""

    element: int
    kind: ClassVar[str] = "single element"

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            object.__setattr__(self, "element", operator.index(self.element))
        except TypeError:
            raise ArgumentError(f"element must be an integer, got {self.element!r}") from None
        if self.element < 0 or self.aperture is not None:
            raise ArgumentError("a single element needs an index from 0 on, and no aperture")

    def arrival_time_s(
        self, points_m: NDArray[np.float64], probe: Probe, sound_speed_m_s: float
    ) -> NDArray[np.float64]:
        """Return |p − element| / c."""
        source_m = probe.element_positions_m[self._index(probe)]
        return np.asarray(np.linalg.norm(points_m - source_m, axis=-1) / sound_speed_m_s)

    def _delays_s(self, probe: Probe, sound_speed_m_s: float) -> NDArray[np.float64]:
        delays_s = np.full(probe.n_elements, np.nan)
        delays_s[self._index(probe)] = 0.0
        return delays_s

    def _index(self, probe: Probe) -> int:
        if self.element >= probe.n_elements:
            raise ArgumentError(
                f"element {self.element} does not exist: {probe.name} has {probe.n_elements}"
            )
        return self.element


_KINDS: dict[str, type[Transmit]] = {
    wave.kind: wave for wave in (PlaneWave, DivergingWave, FocusedWave, SingleElement)
}


@dataclass(frozen=True, kw_only=True)
class TransmitSequence:
    """The transmits of one frame, in firing order, and the pulse that they send.

    Parameters
    ----------
    transmits : tuple of Transmit
        One or more.
    frequency_hz : float, optional
        Centre frequency of the pulse, Hz; the probe's own when absent.
    n_cycles : float
        Length of the pulse in cycles.
    prf_hz : float, optional
        Pulse repetition frequency, Hz; as fast as depth allows when absent.
    """

    transmits: tuple[Transmit, ...]
    frequency_hz: float | None = None
    n_cycles: float = 1.0
    prf_hz: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "transmits", tuple(self.transmits))
        if not 1 <= len(self.transmits) <= MAX_TRANSMITS:
            raise ArgumentError(f"a sequence has 1 to {MAX_TRANSMITS} transmits")
        if not all(isinstance(transmit, Transmit) for transmit in self.transmits):
            raise ArgumentError("transmits must be PlaneWave, FocusedWave and their like")
        for field in ("frequency_hz", "n_cycles", "prf_hz"):
            value = getattr(self, field)
            if value is None and field != "n_cycles":
                continue
            value = _number(value, field)
            if not (math.isfinite(value) and value > 0):
                raise ArgumentError(f"{field} must be positive, got {value}")
            object.__setattr__(self, field, value)

    def __len__(self) -> int:
        return len(self.transmits)

    def describe(self) -> str:
        """Return a short description, such as ``3 × plane``."""
        kinds = dict.fromkeys(transmit.kind for transmit in self.transmits)
        counts = (sum(t.kind == kind for t in self.transmits) for kind in kinds)
        return ", ".join(f"{count} × {kind}" for count, kind in zip(counts, kinds, strict=True))

    def delays_s(self, probe: Probe, sound_speed_m_s: float) -> NDArray[np.float64]:
        """Return every transmit's `Transmit.element_delays_s`, (n_transmits, n_elements), s."""
        return np.stack([t.element_delays_s(probe, sound_speed_m_s) for t in self.transmits])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values from which `from_dict` rebuilds the sequence."""
        return {
            "transmits": [transmit.to_dict() for transmit in self.transmits],
            "frequency_hz": self.frequency_hz,
            "n_cycles": self.n_cycles,
            "prf_hz": self.prf_hz,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> TransmitSequence:
        """Rebuild a sequence from `to_dict`'s output.

        Raises
        ------
        DataDamagedError
            If an entry is missing or not that of a sequence.
        """
        try:
            entries = dict(plain)
            return cls(transmits=tuple(map(_transmit, entries.pop("transmits"))), **entries)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataDamagedError(f"not a transmit sequence: {error}") from error


def _transmit(plain: Mapping[str, Any]) -> Transmit:
    entries = dict(plain)
    wave = _KINDS[entries.pop("kind")]
    if entries.get("aperture") is not None:
        entries["aperture"] = tuple(entries["aperture"])
    return wave(**entries)


def _number(value: Any, name: str) -> float:
    # Kept as a plain float, so that the description can be written as JSON.
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"{name} must be a number, got {value!r}") from None


def _vector(value: Iterable[float], name: str) -> Vector:
    try:
        x, y, z = (float(number) for number in value)
    except (TypeError, ValueError, OverflowError):
        x = y = z = math.nan
    if not all(map(math.isfinite, (x, y, z))):
        raise ArgumentError(f"{name} must be three finite numbers (x, y, z) in m, got {value}")
    if max(map(abs, (x, y, z))) > MAX_DISTANCE_M:
        raise ArgumentError(f"{name} must be within {MAX_DISTANCE_M:g} m: send a plane wave")
    return (x, y, z)
