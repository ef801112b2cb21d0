r"""Delay-and-sum for any geometry: the reference that every faster beamforming kernel must equal.

.. math::
    y(p) = \sum_t w_t(p) \sum_e a_e(p)\, x_{t,e}(\tau), \qquad
    \tau = \tau^{tx}_t(p) + |p - q_e| / c

x is the channel data, read between its samples by interpolation at sample (τ − t0) fs.

**Aperture.** The receive aperture is measured by each element's own normal n, not by a global
depth axis, so that it turns with the elements of a curved array.  With r = p − q_e, axial = r·n
and lateral = |r − axial n|, an element receives where axial > 0 and lateral ≤ axial / (2 F), and
its apodization is window(u) with u = 2 F lateral / axial in [0, 1].  F = 0 is the full aperture:
every element that the point lies in front of, at u = 0.

**Window.** Four numbers (α, a0, a1, a2) say it: with v = max(0, (u − (1 − α)) / α),

.. math:: window(u) = \max(0,\; a_0 + a_1 \cos \pi v + a_2 \cos 2\pi v)

Hann (1, 0.5, 0.5, 0), Hamming (1, 0.54, 0.46, 0), Blackman (1, 0.42, 0.5, 0.08), Tukey
(α, 0.5, 0.5, 0).  α ≤ 0 or NaN is a boxcar, 1 wherever an element receives.

**Directivity.** An element of width w and height h wavelengths in a soft baffle hears a point at
the angle θ from its normal with the factor

.. math:: \mathrm{sinc}(w \sin\theta_x)\; \mathrm{sinc}(h \sin\theta_y)\; \cos\theta

sin θx and sin θy being the parts of the unit vector to the point along the element's width and its
height, and sinc(x) = sin(πx)/(πx).  The factor is part of the apodization.

**Order of the work.** Points are taken in blocks of `BLOCK` neighbours.  For each point of a
block the geometry (square roots, window, receive phasor) is computed once, kept for the elements
that receive it, and reused for all transmits; the innermost loop runs over those elements, and a
block's samples of one transmit fit the first-level cache.  A sample position is a fixed-point
number with 32 binary places: one integer addition of transmit and receive path is exact anywhere
in a record, and its upper half is the sample to read.  Each point's result depends on that point
alone, so tiles may be cut anywhere without changing a bit of it.

References
----------
V. Perrot, M. Polichetti, F. Varray, D. Garcia, "So you think you can DAS? A viewpoint on
delay-and-sum beamforming", Ultrasonics 111 (2021) 106309: equations 1 to 12 (delays, F-number,
I/Q phase rotation).
A. R. Selfridge, G. S. Kino, B. T. Khuri-Yakub, "A theory for the radiation pattern of a
narrow-strip acoustic transducer", Appl. Phys. Lett. 37 (1980) 35-36: the factor cos θ.
R. G. Keys, "Cubic convolution interpolation for digital image processing", IEEE Trans. Acoust.
Speech Signal Process. 29 (1981) 1153-1160: equation 15, a = −1/2.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

INTERPOLATION_NEAREST = 0
"""The nearest sample, halves up."""
INTERPOLATION_LINEAR = 1
"""Straight line between two samples."""
INTERPOLATION_CUBIC = 2
"""Keys' cubic convolution with a = −1/2 (Catmull-Rom); beyond an end, the end sample repeats."""

BLOCK = 16
"""Points that share one pass over the transmits; 8 and 32 measured no faster, 64 slower."""

_PLACES = 32  # binary places of a fixed-point sample position
_ONE = 2.0**_PLACES
_FRACTION = np.int64(2**_PLACES - 1)
_FARTHEST = 2.0**28  # samples; positions beyond it are taken for `_NOWHERE`
# A position that must not be read: two of them add up to the smallest int64, and one of them plus
# any other position stays negative, before the record.
_NOWHERE = np.int64(-(2**62))


@kernel
def _fixed(position: float) -> np.int64:
    """Fixed-point sample position; `_NOWHERE` if it is NaN or far outside any record."""
    if not (-_FARTHEST < position < _FARTHEST):
        return _NOWHERE
    return np.int64(math.floor(position * _ONE))


@kernel
def _phasor(turns: float) -> tuple[np.float32, np.float32]:
    """Cosine and sine of 2π turns, reduced to one turn in float64; (0, 0) for NaN and infinity."""
    if not (abs(turns) < _FARTHEST):
        return np.float32(0), np.float32(0)
    angle = 2 * math.pi * (turns - math.floor(turns))
    return np.float32(math.cos(angle)), np.float32(math.sin(angle))


@kernel
def _phasors(
    path: npt.NDArray[np.int64],
    turns_per_sample: float,
    apodization: npt.NDArray[np.float32],
    n: int,
    real: npt.NDArray[np.float32],
    imag: npt.NDArray[np.float32],
) -> None:
    """Apodization times the phasor of n receive paths, as `_phasor`, without a call.

    The turns are reduced in float64 to the nearest quarter q and a rest of at most an eighth,
    whose sine and cosine are Taylor polynomials; their error is below 4e-7.
    """
    for m in range(n):
        turns = np.float64(path[m]) * (turns_per_sample / _ONE)
        quarters = math.floor(4 * turns + 0.5)
        x = np.float32((turns - 0.25 * quarters) * (2 * math.pi))
        x2 = x * x
        sine = x2 * (np.float32(1 / 120) - x2 * np.float32(1 / 5040))
        sine = x + x * x2 * (sine - np.float32(1 / 6))
        cosine = x2 * (np.float32(1 / 720) - x2 * np.float32(1 / 40320))
        cosine = np.float32(1) + x2 * (x2 * (np.float32(1 / 24) - cosine) - np.float32(0.5))
        q = np.float32(quarters - 4 * math.floor(0.25 * quarters))  # 0, 1, 2 or 3
        odd = q == np.float32(1) or q == np.float32(3)
        a = sine if odd else cosine
        b = cosine if odd else sine
        a = -a if q == np.float32(1) or q == np.float32(2) else a
        b = -b if q >= np.float32(2) else b
        real[m] = apodization[m] * a
        imag[m] = apodization[m] * b


@kernel
def _windows(apodization: npt.NDArray[np.float32], n: int, window: npt.NDArray[np.float64]) -> None:
    """Turn n squares of u, the place in the half aperture from 0 to 1, into apodization.

    Without a call, so that the loop vectorises: cos(πv) = −sin(π(v − 1/2)), the sine a Taylor
    polynomial whose error is below 6e-8, and cos(2πv) = 2 cos²(πv) − 1.
    """
    taper = np.float32(window[0])
    if not taper > np.float32(0):
        apodization[:n] = np.float32(1)
        return
    # a0 + a1 cos(πv) + a2 cos(2πv), as a polynomial of the sine
    c0 = np.float32(window[1] - window[3])
    c1, c2 = np.float32(window[2]), np.float32(2 * window[3])
    flat = np.float32(1) - taper
    per_taper = np.float32(1) / taper
    for m in range(n):
        v = (np.float32(math.sqrt(apodization[m])) - flat) * per_taper
        v = v if v > np.float32(0) else np.float32(0)
        x = np.float32(math.pi) * (v - np.float32(0.5))
        x2 = x * x
        rest = np.float32(1 / 362880) - x2 * np.float32(1 / 39916800)
        rest = x2 * (np.float32(1 / 120) - x2 * (np.float32(1 / 5040) - x2 * rest))
        sine = x + x * x2 * (rest - np.float32(1 / 6))
        weight = c0 + sine * (c2 * sine - c1)
        apodization[m] = weight if weight > np.float32(0) else np.float32(0)


@kernel
def _sinc(x: np.float32) -> np.float32:
    """sin(πx)/(πx) for x ≥ 0, without a call: a Taylor polynomial about the nearest integer.

    Its error is below 2e-7.
    """
    nearest = np.float32(np.floor(x + np.float32(0.5)))
    f = x - nearest
    p = f * f * np.float32(math.pi * math.pi)
    near = np.float32(1 / 362880) - p * np.float32(1 / 39916800)
    near = np.float32(1 / 120) - p * (np.float32(1 / 5040) - p * near)
    near = np.float32(1) - p * (np.float32(1 / 6) - p * near)
    half = np.float32(0.5) * nearest
    odd = half != np.float32(np.floor(half))
    far = near * f / (x if x > np.float32(0.5) else np.float32(0.5))
    far = -far if odd else far
    return far if nearest > np.float32(0) else near


@kernel
def _directivities(
    x: float,
    y: float,
    z: float,
    positions: npt.NDArray[np.float64],
    tangents: npt.NDArray[np.float64],
    distance: npt.NDArray[np.float64],
    axial: npt.NDArray[np.float64],
    lateral2: npt.NDArray[np.float64],
    width: float,
    height: float,
    directivity: npt.NDArray[np.float32],
) -> None:
    """How much of the echo of a point each element hears, by its size in wavelengths."""
    for e in range(directivity.size):
        across = (x - positions[0, e]) * tangents[0, e]
        across += (y - positions[1, e]) * tangents[1, e]
        across += (z - positions[2, e]) * tangents[2, e]
        along2 = lateral2[e] - across * across
        along = math.sqrt(along2 if along2 > 0 else 0.0)
        per_m = 1 / distance[e]
        value = _sinc(np.float32(abs(across) * per_m * width))
        value *= _sinc(np.float32(along * per_m * height))
        directivity[e] = value * np.float32(axial[e] * per_m)


@kernel
def _measure(
    x: float,
    y: float,
    z: float,
    positions: npt.NDArray[np.float64],
    normals: npt.NDArray[np.float64],
    distance: npt.NDArray[np.float64],
    axial: npt.NDArray[np.float64],
    lateral2: npt.NDArray[np.float64],
) -> None:
    """Distance of a point from every element, along its normal and across it, squared.

    `positions` and `normals` are (3, n).
    """
    for e in range(distance.size):
        dx = x - positions[0, e]
        dy = y - positions[1, e]
        dz = z - positions[2, e]
        along = dx * normals[0, e] + dy * normals[1, e] + dz * normals[2, e]
        lx = dx - along * normals[0, e]
        ly = dy - along * normals[1, e]
        lz = dz - along * normals[2, e]
        distance[e] = math.sqrt(dx * dx + dy * dy + dz * dz)
        axial[e] = along
        lateral2[e] = lx * lx + ly * ly + lz * lz


@kernel
def _receive(
    distance: npt.NDArray[np.float64],
    axial: npt.NDArray[np.float64],
    lateral2: npt.NDArray[np.float64],
    directivity: npt.NDArray[np.float32],
    samples_per_m: float,
    f_number: float,
    window: npt.NDArray[np.float64],
    n_samples: int,
    gain: npt.NDArray[np.float32],
    path: npt.NDArray[np.int64],
    offset: npt.NDArray[np.int64],
    apodization: npt.NDArray[np.float32],
) -> tuple[int, np.int64, np.int64]:
    """List the elements whose aperture holds a point; returns how many, and their extreme paths.

    For each: the receive path in samples, the offset of its row in a transmit's data and its
    apodization.
    """
    n = 0
    shortest = np.int64(2**62)
    longest = _NOWHERE
    for e in range(distance.size):
        edge2 = lateral2[e] * (4 * f_number * f_number)
        if axial[e] > 0 and edge2 <= axial[e] * axial[e]:
            path[n] = _fixed(distance[e] * samples_per_m)
            shortest = path[n] if path[n] < shortest else shortest
            longest = path[n] if path[n] > longest else longest
            offset[n] = e * n_samples
            apodization[n] = np.float32(edge2 / (axial[e] * axial[e]))
            gain[n] = directivity[e]
            n += 1
    _windows(apodization, n, window)
    for m in range(n):
        apodization[m] *= gain[m]
    return n, shortest, longest


@kernel
def _read_position(position: np.int64, last: np.int64) -> tuple[np.bool_, np.int64, np.float32]:
    """Whether a position is in the record, the sample j in [0, last] and the weight of j + 1."""
    # The very last sample is j = last with weight 1: nothing beyond it is read.
    inside = position >= 0 and position <= ((last + 1) << _PLACES)
    j = position >> _PLACES
    j = j if j > 0 else np.int64(0)
    j = j if j < last else last
    return inside, j, np.float32(position - (j << _PLACES)) * np.float32(1 / _ONE)


@kernel
def _all_inside(
    transmit_path: np.int64, shortest: np.int64, longest: np.int64, n_samples: int
) -> np.bool_:
    """Whether all receive paths from shortest to longest end between two samples of the record."""
    return (
        transmit_path + shortest >= 0
        and transmit_path + longest < np.int64(n_samples - 1) << _PLACES
    )


@kernel
def _keys(w: np.float32) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Keys' cubic convolution weights of samples j − 1 to j + 2 at j + w."""
    half = np.float32(0.5)
    w2 = w * w
    w3 = w2 * w
    c0 = half * (np.float32(2) * w2 - w3 - w)
    c1 = half * (np.float32(3) * w3 - np.float32(5) * w2) + np.float32(1)
    c2 = half * (np.float32(4) * w2 - np.float32(3) * w3 + w)
    c3 = half * (w3 - w2)
    return c0, c1, c2, c3


# reassoc lets the sum vectorise.
@kernel(fastmath=frozenset({"reassoc"}))
def _sum_of(apodization: npt.NDArray[np.float32], n: int) -> np.float32:
    """Sum of a point's apodization, for `normalize`."""
    total = np.float32(0)
    for m in range(n):
        total += apodization[m]
    return total


# reassoc and contract: the sum over the elements vectorises with gathers and fused multiply-adds,
# 1.05 times as fast with linear interpolation of RF, 1.2 times and more with cubic of IQ.  The loop
# without tests of the record's ends takes 0.6 of the time of the other where the data are in cache.
@kernel(fastmath=frozenset({"reassoc", "contract"}))
def _sum_rf(
    flat: npt.NDArray[np.float32],
    n_samples: int,
    transmit_path: np.int64,
    path: npt.NDArray[np.int64],
    offset: npt.NDArray[np.int64],
    apodization: npt.NDArray[np.float32],
    n: int,
    interpolation: int,
    all_inside: np.bool_,
) -> np.float32:
    """Sum of one transmit's channel data over the n listed elements."""
    last = np.int64(n_samples - 2)
    total = np.float32(0)
    if all_inside and interpolation == INTERPOLATION_LINEAR:
        for m in range(n):
            position = transmit_path + path[m]
            w = np.float32(position & _FRACTION) * np.float32(1 / _ONE)
            k = np.uint64(offset[m] + (position >> _PLACES))
            x1 = flat[k]
            total += apodization[m] * (x1 + w * (flat[k + np.uint64(1)] - x1))
        return total
    for m in range(n):
        inside, j, w = _read_position(transmit_path + path[m], last)
        k = np.uint64(offset[m] + j)
        x1 = flat[k]
        x2 = flat[k + np.uint64(1)]
        if interpolation == INTERPOLATION_LINEAR:
            value = x1 + w * (x2 - x1)
        elif interpolation == INTERPOLATION_NEAREST:
            value = x2 if w >= np.float32(0.5) else x1
        else:
            c0, c1, c2, c3 = _keys(w)
            x0 = flat[np.uint64(offset[m] + (j - 1 if j > 0 else np.int64(0)))]
            x3 = flat[np.uint64(offset[m] + (j + 2 if j < last else j + 1))]
            value = c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
        total += apodization[m] * value if inside else np.float32(0)
    return total


@kernel
def _unpack(sample: np.uint64) -> tuple[np.float32, np.float32]:
    """Real and imaginary part of a complex64 in a little-endian 64-bit word."""
    real = np.uint32(sample & np.uint64(0xFFFFFFFF)).view(np.float32)
    imag = np.uint32(sample >> np.uint64(32)).view(np.float32)
    return real, imag


# reassoc and contract: as in _sum_rf.  Samples are read as words of 64 bits, one gather instead of
# two for each: 0.6 of the time.
@kernel(fastmath=frozenset({"reassoc", "contract"}))
def _sum_iq(
    flat: npt.NDArray[np.uint64],
    n_samples: int,
    transmit_path: np.int64,
    path: npt.NDArray[np.int64],
    offset: npt.NDArray[np.int64],
    phasor_real: npt.NDArray[np.float32],
    phasor_imag: npt.NDArray[np.float32],
    n: int,
    interpolation: int,
    all_inside: np.bool_,
) -> tuple[np.float32, np.float32]:
    """Sum of one transmit's IQ channel data, times phasors, over the n listed elements."""
    last = np.int64(n_samples - 2)
    total_real = np.float32(0)
    total_imag = np.float32(0)
    if all_inside and interpolation == INTERPOLATION_LINEAR:
        for m in range(n):
            position = transmit_path + path[m]
            w = np.float32(position & _FRACTION) * np.float32(1 / _ONE)
            k = np.uint64(offset[m] + (position >> _PLACES))
            real1, imag1 = _unpack(flat[k])
            real2, imag2 = _unpack(flat[k + np.uint64(1)])
            real = real1 + w * (real2 - real1)
            imag = imag1 + w * (imag2 - imag1)
            total_real += phasor_real[m] * real - phasor_imag[m] * imag
            total_imag += phasor_real[m] * imag + phasor_imag[m] * real
        return total_real, total_imag
    for m in range(n):
        inside, j, w = _read_position(transmit_path + path[m], last)
        k = np.uint64(offset[m] + j)
        real1, imag1 = _unpack(flat[k])
        real2, imag2 = _unpack(flat[k + np.uint64(1)])
        if interpolation == INTERPOLATION_LINEAR:
            real = real1 + w * (real2 - real1)
            imag = imag1 + w * (imag2 - imag1)
        elif interpolation == INTERPOLATION_NEAREST:
            real = real2 if w >= np.float32(0.5) else real1
            imag = imag2 if w >= np.float32(0.5) else imag1
        else:
            c0, c1, c2, c3 = _keys(w)
            k0 = np.uint64(offset[m] + (j - 1 if j > 0 else np.int64(0)))
            k3 = np.uint64(offset[m] + (j + 2 if j < last else j + 1))
            real0, imag0 = _unpack(flat[k0])
            real3, imag3 = _unpack(flat[k3])
            real = c0 * real0 + c1 * real1 + c2 * real2 + c3 * real3
            imag = c0 * imag0 + c1 * imag1 + c2 * imag2 + c3 * imag3
        product_real = phasor_real[m] * real - phasor_imag[m] * imag
        product_imag = phasor_real[m] * imag + phasor_imag[m] * real
        total_real += product_real if inside else np.float32(0)
        total_imag += product_imag if inside else np.float32(0)
    return total_real, total_imag


@kernel
def das_rf(
    data: npt.NDArray[np.float32],
    points_m: npt.NDArray[np.float32],
    element_positions_m: npt.NDArray[np.float32],
    element_normals: npt.NDArray[np.float32],
    element_tangents: npt.NDArray[np.float32],
    transmit_time_s: npt.NDArray[np.float64],
    transmit_weight: npt.NDArray[np.float32],
    time_zero_s: npt.NDArray[np.float64],
    window: npt.NDArray[np.float64],
    sampling_frequency_hz: float,
    sound_speed_m_s: float,
    f_number: float,
    element_width_wavelengths: float,
    element_height_wavelengths: float,
    interpolation: int,
    normalize: int,
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Delay-and-sum of RF channel data at the points start to stop − 1.

    .. math:: y(p) = \sum_t w_t(p) \sum_e a_e(p)\, x_{t,e}(	au^{tx}_t(p) + |p - q_e| / c)

    Aperture, windows, interpolation and the order of the work: see the module.

    Parameters
    ----------
    data : (n_transmits, n_elements, n_samples) float32
        Channel data; any amplitude unit.  Sample n of transmit t stands at
        time_zero_s[t] + n / sampling_frequency_hz.
    points_m : (n_points, 3) float32
        Where to look, in metres.  Fastest where consecutive points are neighbours.
    element_positions_m : (n_elements, 3) float32
        Element centres, in metres.
    element_normals : (n_elements, 3) float32
        Unit vectors out of the element faces.
    element_tangents : (n_elements, 3) float32
        Unit vectors along the element widths, at right angles to the normals.
    transmit_time_s : (n_transmits, n_points) float64
        When the transmitted wave passes each point, on the transmit's clock.  NaN or infinite:
        the transmit is skipped there.
    transmit_weight : (n_transmits, n_points) float32
        Transmit apodization.  0 or NaN: the transmit is skipped there, at no cost where a whole
        block of points skips it.
    time_zero_s : (n_transmits,) float64
        Time of sample 0 on the transmit's clock, which is the clock of `transmit_time_s`.
    window : (4,) float64
        (α, a0, a1, a2), as the module says.
    sampling_frequency_hz, sound_speed_m_s : float64 > 0
    f_number : float64 ≥ 0
        Receive F-number; 0 is the full aperture.
    element_width_wavelengths, element_height_wavelengths : float64
        Size of the elements in wavelengths, for their directivity; a negative width is no
        directivity, a height of 0 or less none in that direction.
    interpolation : int64
        An ``INTERPOLATION_`` code (any other is cubic).
    normalize : int64
        0: the plain sum.  1: the sum divided by Σ |w_t(p)| a_e(p), so that the image stays flat
        while the aperture grows with depth; 0 where the sum is empty.  Samples outside the record
        count in the divisor: the image fades where the record ends, instead of showing the noise
        of the last few elements at full brightness.
    start, stop : int64
        Range of points, 0 ≤ start ≤ stop ≤ n_points.
    out : (n_points,) float32
        Beamformed RF, in the unit of `data`.  [start, stop) is overwritten, the rest untouched.

    Notes
    -----
    All arrays are C-contiguous.  Samples outside the record contribute nothing, a record of
    fewer than two samples gives zeros, and no value of any array causes a read outside `data`.
    Not checked: shapes, contiguity, start and stop, the signs of the scalars, that normals and
    tangents have unit length.  A NaN in `data` spreads to the points that read it.
    """
    n_transmits, n_elements, n_samples = data.shape
    samples_per_m = sampling_frequency_hz / sound_speed_m_s
    positions = np.ascontiguousarray(element_positions_m.T).astype(np.float64)
    normals = np.ascontiguousarray(element_normals.T).astype(np.float64)
    tangents = np.ascontiguousarray(element_tangents.T).astype(np.float64)
    directivity = np.ones(n_elements, np.float32)
    gain = np.empty(n_elements, np.float32)
    distance = np.empty(n_elements, np.float64)
    axial = np.empty(n_elements, np.float64)
    lateral2 = np.empty(n_elements, np.float64)
    path = np.empty((BLOCK, n_elements), np.int64)
    offset = np.empty((BLOCK, n_elements), np.int64)
    apodization = np.empty((BLOCK, n_elements), np.float32)
    n_receiving = np.empty(BLOCK, np.int64)
    shortest = np.empty(BLOCK, np.int64)
    longest = np.empty(BLOCK, np.int64)
    total = np.empty(BLOCK, np.float32)
    divisor = np.empty(BLOCK, np.float32)
    for first in range(start, stop, BLOCK):
        n_points = min(BLOCK, stop - first)
        for p in range(n_points):
            x, y, z = points_m[first + p]
            _measure(
                np.float64(x), np.float64(y), np.float64(z),
                positions, normals, distance, axial, lateral2,
            )  # fmt: skip
            if element_width_wavelengths >= 0:
                _directivities(
                    np.float64(x), np.float64(y), np.float64(z), positions, tangents, distance,
                    axial, lateral2, element_width_wavelengths,
                    max(element_height_wavelengths, 0.0), directivity,
                )  # fmt: skip
            n_receiving[p], shortest[p], longest[p] = _receive(
                distance, axial, lateral2, directivity, samples_per_m, f_number, window,
                n_samples, gain, path[p], offset[p], apodization[p],
            )  # fmt: skip
            total[p] = 0
            divisor[p] = 0
        for t in range(n_transmits if n_samples > 1 else 0):
            flat = data[t].reshape(n_elements * n_samples)
            for p in range(n_points):
                weight = transmit_weight[t, first + p]
                if not abs(weight) > 0:  # NaN, too
                    continue
                time_s = transmit_time_s[t, first + p]
                transmit_path = _fixed((time_s - time_zero_s[t]) * sampling_frequency_hz)
                inside = _all_inside(transmit_path, shortest[p], longest[p], n_samples)
                total[p] += weight * _sum_rf(
                    flat, n_samples, transmit_path, path[p], offset[p], apodization[p],
                    n_receiving[p], interpolation, inside,
                )  # fmt: skip
                if transmit_path != _NOWHERE:
                    divisor[p] += abs(weight)
        for p in range(n_points):
            if normalize:
                divisor[p] *= _sum_of(apodization[p], n_receiving[p])
                out[first + p] = total[p] / divisor[p] if divisor[p] > 0 else np.float32(0)
            else:
                out[first + p] = total[p]


@kernel
def das_iq(
    data: npt.NDArray[np.complex64],
    points_m: npt.NDArray[np.float32],
    element_positions_m: npt.NDArray[np.float32],
    element_normals: npt.NDArray[np.float32],
    element_tangents: npt.NDArray[np.float32],
    transmit_time_s: npt.NDArray[np.float64],
    transmit_weight: npt.NDArray[np.float32],
    time_zero_s: npt.NDArray[np.float64],
    window: npt.NDArray[np.float64],
    sampling_frequency_hz: float,
    demodulation_frequency_hz: float,
    sound_speed_m_s: float,
    f_number: float,
    element_width_wavelengths: float,
    element_height_wavelengths: float,
    interpolation: int,
    normalize: int,
    start: int,
    stop: int,
    out: npt.NDArray[np.complex64],
) -> None:
    r"""Delay-and-sum of IQ channel data at the points start to stop − 1.

    .. math::
        y(p) = \sum_t w_t(p) \sum_e a_e(p)\, x_{t,e}(	au)\, e^{+2\pi j f_d 	au}, \qquad
                au = 	au^{tx}_t(p) + |p - q_e| / c

    Demodulation multiplied the RF by exp(−2πj f_d t), where t = time_zero_s[t] + n / fs is the
    time of sample n on the transmit's clock; the factor above undoes it at the echo's time τ on
    the same clock, so that the sum is that of the analytic RF signals.  The phase, thousands of
    radians, is reduced to one turn in float64, apart for the transmit path (once for each
    transmit and point) and for the receive path (once for each element and point).

    The parameters are those of `das_rf`, and with them all that is said there, except for

    Parameters
    ----------
    data : (n_transmits, n_elements, n_samples) complex64
        IQ channel data; any amplitude unit.
    points_m, element_positions_m, element_normals, element_tangents
        As in `das_rf`.
    transmit_time_s : (n_transmits, n_points) float64
        As in `das_rf`; float64, because its phase is taken.
    transmit_weight, time_zero_s, window, sampling_frequency_hz
        As in `das_rf`.
    demodulation_frequency_hz : float64
        f_d; 0 for an analytic signal that was not demodulated.
    sound_speed_m_s, f_number, element_width_wavelengths, element_height_wavelengths
        As in `das_rf`.
    interpolation, normalize, start, stop
        As in `das_rf`.
    out : (n_points,) complex64
        Beamformed IQ, in the unit of `data`.  [start, stop) is overwritten, the rest untouched.
    """
    n_transmits, n_elements, n_samples = data.shape
    samples_per_m = sampling_frequency_hz / sound_speed_m_s
    turns_per_sample = demodulation_frequency_hz / sampling_frequency_hz
    positions = np.ascontiguousarray(element_positions_m.T).astype(np.float64)
    normals = np.ascontiguousarray(element_normals.T).astype(np.float64)
    tangents = np.ascontiguousarray(element_tangents.T).astype(np.float64)
    directivity = np.ones(n_elements, np.float32)
    gain = np.empty(n_elements, np.float32)
    distance = np.empty(n_elements, np.float64)
    axial = np.empty(n_elements, np.float64)
    lateral2 = np.empty(n_elements, np.float64)
    path = np.empty((BLOCK, n_elements), np.int64)
    offset = np.empty((BLOCK, n_elements), np.int64)
    apodization = np.empty((BLOCK, n_elements), np.float32)
    phasor = np.empty((BLOCK, 2, n_elements), np.float32)
    n_receiving = np.empty(BLOCK, np.int64)
    shortest = np.empty(BLOCK, np.int64)
    longest = np.empty(BLOCK, np.int64)
    total = np.empty(BLOCK, np.complex64)
    divisor = np.empty(BLOCK, np.float32)
    for first in range(start, stop, BLOCK):
        n_points = min(BLOCK, stop - first)
        for p in range(n_points):
            x, y, z = points_m[first + p]
            _measure(
                np.float64(x), np.float64(y), np.float64(z),
                positions, normals, distance, axial, lateral2,
            )  # fmt: skip
            if element_width_wavelengths >= 0:
                _directivities(
                    np.float64(x), np.float64(y), np.float64(z), positions, tangents, distance,
                    axial, lateral2, element_width_wavelengths,
                    max(element_height_wavelengths, 0.0), directivity,
                )  # fmt: skip
            n_receiving[p], shortest[p], longest[p] = _receive(
                distance, axial, lateral2, directivity, samples_per_m, f_number, window,
                n_samples, gain, path[p], offset[p], apodization[p],
            )  # fmt: skip
            _phasors(
                path[p], turns_per_sample, apodization[p], n_receiving[p],
                phasor[p, 0], phasor[p, 1],
            )  # fmt: skip
            total[p] = 0
            divisor[p] = 0
        for t in range(n_transmits if n_samples > 1 else 0):
            flat = data[t].reshape(n_elements * n_samples).view(np.uint64)
            for p in range(n_points):
                weight = transmit_weight[t, first + p]
                if not abs(weight) > 0:  # NaN, too
                    continue
                time_s = transmit_time_s[t, first + p]
                transmit_path = _fixed((time_s - time_zero_s[t]) * sampling_frequency_hz)
                inside = _all_inside(transmit_path, shortest[p], longest[p], n_samples)
                real, imag = _sum_iq(
                    flat, n_samples, transmit_path, path[p], offset[p],
                    phasor[p, 0], phasor[p, 1], n_receiving[p], interpolation, inside,
                )  # fmt: skip
                cosine, sine = _phasor(time_s * demodulation_frequency_hz)
                total[p] += complex(
                    weight * (real * cosine - imag * sine), weight * (real * sine + imag * cosine)
                )
                if transmit_path != _NOWHERE:
                    divisor[p] += abs(weight)
        for p in range(n_points):
            if normalize:
                divisor[p] *= _sum_of(apodization[p], n_receiving[p])
                scale = np.float32(1) / divisor[p] if divisor[p] > 0 else np.float32(0)
                out[first + p] = complex(total[p].real * scale, total[p].imag * scale)
            else:
                out[first + p] = total[p]
