"""Probe: where the elements are, which way they look, and at what frequency they work."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from usdk.errors import ArgumentError, DataDamagedError

__all__ = ["MAX_ELEMENTS", "ArrayKind", "Probe"]

MAX_ELEMENTS = 16_384
MAX_POSITION_M = 1e3
"""Farthest element from the origin, m: larger arrays were given in another unit."""

_NORMAL_TOLERANCE = 1e-6


class ArrayKind(StrEnum):
    """Geometry of the array; fast kernels and default scans are chosen by it."""

    LINEAR = "linear"
    CURVED = "curved"
    PHASED = "phased"
    MATRIX = "matrix"
    OTHER = "other"


@dataclass(frozen=True, eq=False, kw_only=True)
class Probe:
    """An array of elements in the probe's own Cartesian coordinates.

    x runs along the array, z away from its face, y completes a right-handed system (elevation).
    The origin is the array origin, to which time zero refers.

    Parameters
    ----------
    name : str
        Model name.
    kind : ArrayKind
        Geometry of the array.
    element_positions_m : array_like, (n_elements, 3), float64
        Centre of each element's face, m.
    element_normals : array_like, (n_elements, 3), float64
        Unit vectors that point out of each element.
    centre_frequency_hz : float
        Centre of the pulse-echo band, Hz.
    fractional_bandwidth : float
        Pulse-echo −6 dB bandwidth over centre frequency.
    pitch_m, element_width_m, element_height_m : float
        Distance between neighbours, and size of one element along x and y, m.
    radius_m : float
        Radius of curvature, m; infinite for a flat array.
    lens_delay_s : float
        One-way delay of the lens over the same path in tissue, s.

    Raises
    ------
    ArgumentError
        If a shape, a unit vector or a number cannot be that of a probe.
    """

    name: str
    kind: ArrayKind
    element_positions_m: NDArray[np.float64]
    element_normals: NDArray[np.float64]
    centre_frequency_hz: float
    fractional_bandwidth: float
    pitch_m: float
    element_width_m: float
    element_height_m: float = 0.0
    radius_m: float = math.inf
    lens_delay_s: float = 0.0

    def __post_init__(self) -> None:
        positions = _frozen_vectors(self.element_positions_m, "element_positions_m")
        normals = _frozen_vectors(self.element_normals, "element_normals")
        if positions.shape != normals.shape:
            raise ArgumentError(
                f"element_positions_m {positions.shape} and element_normals {normals.shape} "
                "must have one row per element each"
            )
        if np.any(np.abs(positions) > MAX_POSITION_M):
            raise ArgumentError(f"element_positions_m must be within {MAX_POSITION_M:g} m")
        with np.errstate(over="ignore"):
            lengths = np.linalg.norm(normals, axis=1)
        if np.any(np.abs(lengths - 1.0) > _NORMAL_TOLERANCE):
            raise ArgumentError("element_normals must be unit vectors: divide each by its length")
        for field in ("centre_frequency_hz", "fractional_bandwidth", "pitch_m", "element_width_m"):
            value = self._number(field)
            if not (math.isfinite(value) and value > 0):
                raise ArgumentError(f"{field} must be positive and finite, got {value}")
        for field in ("element_height_m", "lens_delay_s"):
            value = self._number(field)
            if not (math.isfinite(value) and value >= 0):
                raise ArgumentError(f"{field} must be finite and not negative, got {value}")
        try:
            object.__setattr__(self, "kind", ArrayKind(self.kind))
        except ValueError:
            raise ArgumentError(
                f"kind must be one of {', '.join(ArrayKind)}, got {self.kind!r}"
            ) from None
        radius_m = self._number("radius_m")
        if not radius_m > 0:
            raise ArgumentError(f"radius_m must be positive (inf when flat), got {radius_m}")
        if self.kind is ArrayKind.CURVED and math.isinf(radius_m):
            raise ArgumentError("a curved array needs a finite radius_m")
        object.__setattr__(self, "element_positions_m", positions)
        object.__setattr__(self, "element_normals", normals)

    def _number(self, field: str) -> float:
        # Kept as a plain float, so that the description can be written as JSON.
        value = getattr(self, field)
        try:
            object.__setattr__(self, field, float(value))
        except (TypeError, ValueError, OverflowError):
            raise ArgumentError(f"{field} must be a number, got {value!r}") from None
        return float(value)

    @property
    def n_elements(self) -> int:
        """Number of elements."""
        return int(self.element_positions_m.shape[0])

    @property
    def centre_of_curvature_m(self) -> NDArray[np.float64]:
        """Centre of a curved array's arc, (3,), m; the origin for every other array."""
        if self.kind is not ArrayKind.CURVED:
            return np.zeros(3)
        centres = self.element_positions_m - self.radius_m * self.element_normals
        return np.asarray(centres.mean(axis=0))

    @classmethod
    def linear(
        cls,
        name: str,
        *,
        n_elements: int,
        pitch_m: float,
        centre_frequency_hz: float,
        fractional_bandwidth: float,
        element_width_m: float | None = None,
        kind: ArrayKind = ArrayKind.LINEAR,
        **rest: float,
    ) -> Probe:
        """Return a flat array along x, centred on the origin, that looks along z.

        ``kind=ArrayKind.PHASED`` makes the same array one that is scanned as a sector.
        """
        x_m = _centred(n_elements, pitch_m)
        zero = np.zeros_like(x_m)
        return cls(
            name=name,
            kind=kind,
            element_positions_m=np.column_stack((x_m, zero, zero)),
            element_normals=np.column_stack((zero, zero, np.ones_like(x_m))),
            centre_frequency_hz=centre_frequency_hz,
            fractional_bandwidth=fractional_bandwidth,
            pitch_m=pitch_m,
            element_width_m=pitch_m if element_width_m is None else element_width_m,
            **rest,
        )

    @classmethod
    def curved(
        cls,
        name: str,
        *,
        n_elements: int,
        pitch_m: float,
        radius_m: float,
        centre_frequency_hz: float,
        fractional_bandwidth: float,
        element_width_m: float | None = None,
        **rest: float,
    ) -> Probe:
        """Return a convex array in the x-z plane whose middle touches the origin.

        ``pitch_m`` is the chord between neighbouring elements.
        """
        if not 0 < pitch_m < 2 * radius_m < math.inf:
            raise ArgumentError(
                f"need 0 < pitch_m < 2 radius_m, both finite, got {pitch_m} and {radius_m}"
            )
        angle_rad = _centred(n_elements, 2 * math.asin(pitch_m / (2 * radius_m)))
        if abs(angle_rad[0]) > math.pi:
            raise ArgumentError("the elements go more than once round: check pitch_m and radius_m")
        zero = np.zeros_like(angle_rad)
        normals = np.column_stack((np.sin(angle_rad), zero, np.cos(angle_rad)))
        return cls(
            name=name,
            kind=ArrayKind.CURVED,
            element_positions_m=radius_m * (normals - np.array([0.0, 0.0, 1.0])),
            element_normals=normals,
            centre_frequency_hz=centre_frequency_hz,
            fractional_bandwidth=fractional_bandwidth,
            pitch_m=pitch_m,
            radius_m=radius_m,
            element_width_m=pitch_m if element_width_m is None else element_width_m,
            **rest,
        )

    @classmethod
    def matrix(
        cls,
        name: str,
        *,
        n_elements_x: int,
        n_elements_y: int,
        pitch_m: float,
        centre_frequency_hz: float,
        fractional_bandwidth: float,
        element_width_m: float | None = None,
        **rest: float,
    ) -> Probe:
        """Return a flat square-pitched grid of elements in the x-y plane, y fastest."""
        if n_elements_x * n_elements_y > MAX_ELEMENTS:
            raise ArgumentError(f"a probe has at most {MAX_ELEMENTS} elements")
        x_m, y_m = np.meshgrid(
            _centred(n_elements_x, pitch_m), _centred(n_elements_y, pitch_m), indexing="ij"
        )
        zero = np.zeros(x_m.size)
        return cls(
            name=name,
            kind=ArrayKind.MATRIX,
            element_positions_m=np.column_stack((x_m.ravel(), y_m.ravel(), zero)),
            element_normals=np.column_stack((zero, zero, np.ones_like(zero))),
            centre_frequency_hz=centre_frequency_hz,
            fractional_bandwidth=fractional_bandwidth,
            pitch_m=pitch_m,
            element_width_m=pitch_m if element_width_m is None else element_width_m,
            **rest,
        )

    def is_like(self, other: Probe) -> bool:
        """Return whether another probe is described by the same values."""
        return other is self or other.to_dict() == self.to_dict()

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings from which `from_dict` rebuilds the probe."""
        return {
            "name": self.name,
            "kind": self.kind.value,
            "element_positions_m": self.element_positions_m.tolist(),
            "element_normals": self.element_normals.tolist(),
            "centre_frequency_hz": self.centre_frequency_hz,
            "fractional_bandwidth": self.fractional_bandwidth,
            "pitch_m": self.pitch_m,
            "element_width_m": self.element_width_m,
            "element_height_m": self.element_height_m,
            "radius_m": self.radius_m if math.isfinite(self.radius_m) else None,
            "lens_delay_s": self.lens_delay_s,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Probe:
        """Rebuild a probe from `to_dict`'s output.

        Raises
        ------
        DataDamagedError
            If an entry is missing or not that of a probe.
        """
        try:
            entries = dict(plain)
            radius_m = entries.pop("radius_m")
            return cls(radius_m=math.inf if radius_m is None else radius_m, **entries)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataDamagedError(f"not a probe description: {error}") from error


def _centred(n: int, step: float) -> NDArray[np.float64]:
    if n != int(n) or not 1 <= n <= MAX_ELEMENTS:
        raise ArgumentError(f"the number of elements must be 1 to {MAX_ELEMENTS}, got {n}")
    return (np.arange(n, dtype=np.float64) - (n - 1) / 2) * step


def _frozen_vectors(values: ArrayLike, name: str) -> NDArray[np.float64]:
    try:
        array = np.array(values, dtype=np.float64, order="C")
    except (TypeError, ValueError, OverflowError) as error:
        raise ArgumentError(f"{name} must be an array of numbers: {error}") from error
    if array.ndim != 2 or array.shape[1] != 3 or not 1 <= array.shape[0] <= MAX_ELEMENTS:
        raise ArgumentError(f"{name} must have shape (1 to {MAX_ELEMENTS}, 3), got {array.shape}")
    if not np.all(np.isfinite(array)):
        raise ArgumentError(f"{name} holds NaN or infinite values")
    array.flags.writeable = False
    return array
