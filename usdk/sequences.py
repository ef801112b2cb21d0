"""The usual transmit sequences, each from one call."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, positive
from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe
from usdk.transmit import (
    MAX_TRANSMITS,
    DivergingWave,
    FocusedWave,
    PlaneWave,
    SingleElement,
    TransmitSequence,
)

__all__ = ["diverging_waves", "focused_lines", "plane_waves", "single_elements"]


def plane_waves(
    angles_deg: Iterable[float] = (0.0,),
    *,
    frequency_hz: float | None = None,
    n_cycles: float = 1.0,
    prf_hz: float | None = None,
) -> TransmitSequence:
    """Return plane waves from the whole array at the given azimuths, degrees.

    Montaldo et al., "Coherent plane-wave compounding", IEEE TUFFC 56(3), 2009.

    Raises
    ------
    ArgumentError
        If an angle is no number, or not between −90 and 90 degrees.
    """
    try:
        angles = [float(angle) for angle in angles_deg]
    except (TypeError, ValueError, OverflowError) as error:
        raise ArgumentError(f"angles_deg must be numbers, such as (-10, 0, 10): {error}") from error
    for angle in angles:
        if not abs(angle) < 90:
            raise ArgumentError(f"angles_deg must lie between −90 and 90 degrees, got {angle:g}")
    return TransmitSequence(
        transmits=tuple(PlaneWave(azimuth_rad=math.radians(angle)) for angle in angles),
        frequency_hz=frequency_hz,
        n_cycles=n_cycles,
        prf_hz=prf_hz,
    )


def diverging_waves(
    probe: Probe,
    *,
    tilts_deg: Iterable[float] = (0.0,),
    width_deg: float = 60.0,
    frequency_hz: float | None = None,
    n_cycles: float = 1.0,
    prf_hz: float | None = None,
) -> TransmitSequence:
    """Return diverging waves ``width_deg`` wide from a flat array, tilted about its middle.

    The virtual source lies where the array subtends ``width_deg`` and the bisector is the tilt:
    Garcia et al., "SIMUS", Comput. Methods Programs Biomed. 218, 2022, section 2.3.
    """
    if not 0 < width_deg < 180:
        raise ArgumentError(f"width_deg must lie between 0 and 180, got {width_deg}")
    if probe.kind is ArrayKind.CURVED:
        raise ArgumentError(
            "a curved array diverges by itself: take DivergingWave with its centre of curvature"
        )
    aperture_m = float(np.ptp(probe.element_positions_m[:, 0]))
    width_rad = math.radians(width_deg)
    waves = []
    for tilt_deg in tilts_deg:
        tilt_rad = math.radians(tilt_deg)
        if abs(tilt_rad) + width_rad / 2 >= math.pi / 2:
            raise ArgumentError(
                f"a tilt of {tilt_deg}° with a width of {width_deg}° reaches past the array's "
                "plane: take a smaller tilt or width"
            )
        spread = math.cos(width_rad) + math.cos(2 * tilt_rad)
        source_m = (
            -aperture_m / 2 * math.sin(2 * tilt_rad) / math.sin(width_rad),
            0.0,
            -aperture_m / 2 * spread / math.sin(width_rad),
        )
        waves.append(DivergingWave(source_m=source_m))
    return TransmitSequence(
        transmits=tuple(waves), frequency_hz=frequency_hz, n_cycles=n_cycles, prf_hz=prf_hz
    )


def focused_lines(
    probe: Probe,
    *,
    n_lines: int = 128,
    focus_depth_m: float,
    n_aperture: int | None = None,
    frequency_hz: float | None = None,
    n_cycles: float = 1.0,
    prf_hz: float | None = None,
) -> TransmitSequence:
    """Return one focused beam a scan line, the firing aperture walking along the array.

    On a linear array the beams are parallel, on a curved one they leave along the normals, and on
    a phased array all of its elements fire and the beams fan out over ±45° from the origin.

    Parameters
    ----------
    probe : Probe
        Linear, curved or phased.
    n_lines : int
        Beams.
    focus_depth_m : float
        Distance of each focus from where its beam leaves the array, m.
    n_aperture : int, optional
        Elements that fire; 64, or all of a smaller array, when absent. Not used by phased arrays.
    """
    if probe.kind not in (ArrayKind.LINEAR, ArrayKind.PHASED, ArrayKind.CURVED):
        raise ArgumentError(f"a {probe.kind} array has no row of lines: make FocusedWaves yourself")
    if n_aperture is None:
        n_aperture = min(64, probe.n_elements)
    n_lines = count(n_lines, "n_lines", most=MAX_TRANSMITS)
    n_aperture = count(n_aperture, "n_aperture", most=probe.n_elements)
    focus_depth_m = positive(focus_depth_m, "focus_depth_m")
    if probe.kind is ArrayKind.PHASED:
        angle_rad = _spread(-math.pi / 4, math.pi / 4, n_lines)
        directions = np.column_stack((np.sin(angle_rad), 0 * angle_rad, np.cos(angle_rad)))
        origins_m = np.zeros_like(directions)
        apertures: list[tuple[int, int] | None] = [None] * n_lines
    else:
        # Element coordinates: fractional positions along the array, interpolated between elements.
        place = _spread(0.0, probe.n_elements - 1.0, n_lines)
        origins_m = _between(probe.element_positions_m, place)
        directions = _between(probe.element_normals, place)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        first = np.rint(place - (n_aperture - 1) / 2).astype(int)
        first = np.clip(first, 0, probe.n_elements - n_aperture)
        apertures = [(int(i), int(i) + n_aperture) for i in first]
    foci_m = origins_m + focus_depth_m * directions
    return TransmitSequence(
        transmits=tuple(
            FocusedWave(focus_m=_triple(focus_m), origin_m=_triple(origin_m), aperture=aperture)
            for focus_m, origin_m, aperture in zip(foci_m, origins_m, apertures, strict=True)
        ),
        frequency_hz=frequency_hz,
        n_cycles=n_cycles,
        prf_hz=prf_hz,
    )


def single_elements(
    elements: Iterable[int],
    *,
    frequency_hz: float | None = None,
    n_cycles: float = 1.0,
    prf_hz: float | None = None,
) -> TransmitSequence:
    """Return one transmit from each of the given elements alone (synthetic aperture).

    Jensen et al., "Synthetic aperture ultrasound imaging", Ultrasonics 44, 2006.
    """
    return TransmitSequence(
        transmits=tuple(SingleElement(element=element) for element in elements),
        frequency_hz=frequency_hz,
        n_cycles=n_cycles,
        prf_hz=prf_hz,
    )


def _spread(first: float, last: float, n: int) -> NDArray[np.float64]:
    # A single line looks straight ahead, from the middle.
    return np.linspace(first, last, n) if n > 1 else np.array([(first + last) / 2])


def _between(rows: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    index = np.arange(rows.shape[0])
    return np.column_stack([np.interp(place, index, column) for column in rows.T])


def _triple(vector: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(number) for number in vector)
    return (x, y, z)
