"""SampleVolume: where along a beam spectral Doppler listens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, finite, number, positive
from usdk.beamform.options import Window
from usdk.choice import choice
from usdk.errors import ArgumentError
from usdk.scan import LineScan

__all__ = ["MAX_ANGLE_RAD", "MAX_LOOKS", "MAX_POINTS", "SampleVolume"]

MAX_POINTS = 4096
MAX_LOOKS = 64
MAX_ANGLE_RAD = math.radians(85)
"""Greatest angle between beam and flow that is corrected for: velocities are 11 times as uncertain
there as along the beam."""


@dataclass(frozen=True, kw_only=True)
class SampleVolume:
    """A gate: a stretch of a beam, and how flow runs through it.

    Parameters
    ----------
    centre_m : (x, z) or (x, y, z)
        Middle of the gate, m.
    length_m : float
        Length along the beam, m.
    beam_rad : float
        Direction of the beam through the gate, from +z towards +x, rad.
    angle_rad : float
        Angle between beam and flow, for which velocities are corrected (divided by its cosine),
        rad; 0 shows velocities along the beam. The beam whose angle counts lies midway between the
        directions of transmit and receive.
    window : Window or str
        Weights along the gate; Tukey tapers its outer quarters.
    n_looks : int
        Stretches, one behind the other, into which the gate is divided: each gives a signal, and
        spectral estimators average over them. 1 sums the whole gate.
    """

    centre_m: tuple[float, ...]
    length_m: float
    beam_rad: float = 0.0
    angle_rad: float = 0.0
    window: Window | str = Window.TUKEY
    n_looks: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre_m", _place(self.centre_m))
        object.__setattr__(self, "length_m", positive(self.length_m, "length_m"))
        beam_rad = finite(self.beam_rad, "beam_rad")
        if not abs(beam_rad) < math.pi / 2:
            raise ArgumentError(f"beam_rad must lie between −π/2 and π/2, got {beam_rad:g}")
        object.__setattr__(self, "beam_rad", beam_rad)
        object.__setattr__(self, "angle_rad", require_angle(self.angle_rad))
        object.__setattr__(self, "window", choice(Window, self.window))
        n_looks = count(self.n_looks, "n_looks", most=MAX_LOOKS)
        object.__setattr__(self, "n_looks", n_looks)

    def line(self, n_points: int) -> LineScan:
        """Return equally spaced points along the gate, its ends included."""
        n_points = count(n_points, "n_points", least=2, most=MAX_POINTS)
        direction = np.array([math.sin(self.beam_rad), 0.0, math.cos(self.beam_rad)])
        half_m = self.length_m / 2 * direction
        centre_m = np.array(self.centre_m)
        ends = [
            (float(x), float(y), float(z)) for x, y, z in (centre_m - half_m, centre_m + half_m)
        ]
        return LineScan(start_m=ends[0], end_m=ends[1], n_samples=n_points)

    def weights(self, n_points: int) -> NDArray[np.float64]:
        """Return the range window of each look at points of `line`, (n_looks, n_points).

        The weights of a look add up to 1.
        """
        n_points = count(n_points, "n_points", least=2, most=MAX_POINTS)
        place = (np.arange(n_points) + 0.5) / n_points * self.n_looks
        offset = place[None, :] - (np.arange(self.n_looks)[:, None] + 0.5)
        weights = np.where(np.abs(offset) <= 0.5, range_window(self.window, 2 * np.abs(offset)), 0)
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def range_window(window: Window | str, place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a window at places from its middle, 0, to its ends, 1."""
    kind = choice(Window, window)
    if kind is Window.BOXCAR:
        return np.ones_like(place)
    taper, a0, a1, a2 = {
        Window.HANN: (1.0, 0.5, 0.5, 0.0),
        Window.HAMMING: (1.0, 0.54, 0.46, 0.0),
        Window.BLACKMAN: (1.0, 0.42, 0.5, 0.08),
        Window.TUKEY: (0.5, 0.5, 0.5, 0.0),
    }[kind]
    inner = np.pi * np.clip((place - (1 - taper)) / taper, 0.0, 1.0)
    return np.asarray(a0 + a1 * np.cos(inner) + a2 * np.cos(2 * inner))


def require_angle(value: float) -> float:
    """Return an angle between beam and flow; `ArgumentError` beyond `MAX_ANGLE_RAD`."""
    angle_rad = finite(value, "angle_rad")
    if not abs(angle_rad) <= MAX_ANGLE_RAD:
        raise ArgumentError(
            f"angle_rad is at most {MAX_ANGLE_RAD:.3g} ({math.degrees(MAX_ANGLE_RAD):g}°) either "
            f"way, got {angle_rad:g}: turn the beam towards the flow"
        )
    return angle_rad


def _place(value: Sequence[float]) -> tuple[float, float, float]:
    try:
        numbers = [number(entry, "centre_m") for entry in value]
    except TypeError:
        numbers = []
    if len(numbers) == 2:
        numbers.insert(1, 0.0)
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
        raise ArgumentError("centre_m must be two or three finite numbers, (x, z) or (x, y, z)")
    return (numbers[0], numbers[1], numbers[2])
