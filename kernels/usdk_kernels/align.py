r"""Aligned channel data: what delay-and-sum adds up, before it is added up.

.. math::
    s(p, t, e) = x_{t,e}(\tau)\, e^{+2\pi j f_d \tau}, \qquad
    \tau = \tau^{tx}_t(p) + |p - q_e| / c

(without the phasor for RF), and beside it the apodization a(p, e) and the transmit weights
w(p, t), so that the sum over t and e of w a s is `usdk_kernels.das` to float32 rounding.  It is
what methods need that do more than sum: coherence factors, minimum variance,
delay-multiply-and-sum.

Aperture, window, directivity, interpolation, fixed-point positions and record ends are those of
`usdk_kernels.das`, whose module says them.  An element that does not receive a point has
apodization 0, and samples 0 there.

**Order of the work.** Points are taken in blocks of `BLOCK` neighbours.  For each point of a block
the geometry is computed once, for all elements, without a branch, so that it vectorises.  Then, of
one transmit after the other, a run of a few elements is read for all points of the block: their
records are walked along, which the processor foresees, and each point's run of samples is written
as whole cache lines.  It takes 0.7 to 0.8 (RF) and 0.5 (IQ) of the time of reading all elements
point by point, where the processor is shared.  Each point's result depends on that point alone.
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
"""Keys' cubic convolution with a = −1/2; beyond an end, the end sample repeats."""

BLOCK = 64
"""Points whose geometry is kept while their transmits are read; 32 measured slower."""
_RUN = 16  # elements that are read together; 8 and 32 measured slower

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
    real: npt.NDArray[np.float32],
    imag: npt.NDArray[np.float32],
) -> None:
    """Phasors of receive paths, as `_phasor`, without a call.

    The turns are reduced in float64 to the nearest quarter q and a rest of at most an eighth,
    whose sine and cosine are Taylor polynomials; their error is below 4e-7.
    """
    for e in range(path.size):
        turns = np.float64(path[e]) * (turns_per_sample / _ONE)
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
        real[e] = -a if q == np.float32(1) or q == np.float32(2) else a
        imag[e] = -b if q >= np.float32(2) else b


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
def _windows(
    apodization: npt.NDArray[np.float32],
    directivity: npt.NDArray[np.float32],
    window: npt.NDArray[np.float64],
) -> None:
    """Turn squares of u, the place in the half aperture, into apodization; 0 where negative.

    Without a call, so that the loop vectorises: cos(πv) = −sin(π(v − 1/2)), the sine a Taylor
    polynomial whose error is below 6e-8, and cos(2πv) = 2 cos²(πv) − 1.
    """
    zero = np.float32(0)
    taper = np.float32(window[0])
    is_tapered = taper > zero
    # a0 + a1 cos(πv) + a2 cos(2πv), as a polynomial of the sine
    c0 = np.float32(window[1] - window[3]) if is_tapered else np.float32(1)
    c1 = np.float32(window[2]) if is_tapered else zero
    c2 = np.float32(2 * window[3]) if is_tapered else zero
    flat = np.float32(1) - taper if is_tapered else zero
    per_taper = np.float32(1) / taper if is_tapered else np.float32(1)
    for e in range(apodization.size):
        u2 = apodization[e]
        v = (np.float32(math.sqrt(u2 if u2 > zero else zero)) - flat) * per_taper
        v = v if v > zero else zero
        x = np.float32(math.pi) * (v - np.float32(0.5))
        x2 = x * x
        rest = np.float32(1 / 362880) - x2 * np.float32(1 / 39916800)
        rest = x2 * (np.float32(1 / 120) - x2 * (np.float32(1 / 5040) - x2 * rest))
        sine = x + x * x2 * (rest - np.float32(1 / 6))
        weight = c0 + sine * (c2 * sine - c1)
        weight = (weight if weight > zero else zero) * directivity[e]
        # A point without a direction has a directivity that is not a number.
        weight = weight if weight == weight else zero
        apodization[e] = zero if u2 < zero else weight


@kernel
def _receive(
    distance: npt.NDArray[np.float64],
    axial: npt.NDArray[np.float64],
    lateral2: npt.NDArray[np.float64],
    directivity: npt.NDArray[np.float32],
    samples_per_m: float,
    f_number: float,
    window: npt.NDArray[np.float64],
    path: npt.NDArray[np.int64],
    apodization: npt.NDArray[np.float32],
) -> tuple[int, int, np.int64, np.int64]:
    """Receive path and apodization of every element for one point.

    Returns the run [first, stop) outside which no element receives, and the extreme paths in it.
    """
    n_elements = distance.size
    per_axial = 4 * f_number * f_number
    for e in range(n_elements):
        edge2 = lateral2[e] * per_axial
        axial2 = axial[e] * axial[e]
        path[e] = _fixed(distance[e] * samples_per_m)
        receives = axial[e] > 0 and edge2 <= axial2
        apodization[e] = np.float32(edge2 / axial2) if receives else np.float32(-1)
    _windows(apodization, directivity, window)
    first, stop = 0, n_elements
    while first < stop and apodization[first] == 0:
        first += 1
    while stop > first and apodization[stop - 1] == 0:
        stop -= 1
    shortest = np.int64(2**62)
    longest = _NOWHERE
    for e in range(first, stop):
        shortest = path[e] if path[e] < shortest else shortest
        longest = path[e] if path[e] > longest else longest
    return first, stop, shortest, longest


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


@kernel
def _read_rf(
    flat: npt.NDArray[np.float32],
    n_samples: int,
    transmit_path: npt.NDArray[np.int64],
    path: npt.NDArray[np.int64],
    extreme: npt.NDArray[np.int64],
    span: npt.NDArray[np.int64],
    apodization: npt.NDArray[np.float32],
    interpolation: int,
    t: int,
    first: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    """Read what elements first to stop − 1 received of transmit t from points in their spans."""
    zero = np.float32(0)
    last = np.int64(n_samples - 2)
    for p in range(out.shape[0]):
        row = out[p, t]
        begin, end = max(first, span[p, 0]), min(stop, span[p, 1])
        if transmit_path[p] == _NOWHERE or begin >= end:
            continue
        all_inside = _all_inside(transmit_path[p], extreme[p, 0], extreme[p, 1], n_samples)
        if all_inside and interpolation == INTERPOLATION_LINEAR:
            for e in range(begin, end):
                position = transmit_path[p] + path[p, e]
                w = np.float32(position & _FRACTION) * np.float32(1 / _ONE)
                k = np.uint64(e * n_samples + (position >> _PLACES))
                x1 = flat[k]
                value = x1 + w * (flat[k + np.uint64(1)] - x1)
                row[e] = value if apodization[p, e] != zero else zero
            continue
        for e in range(begin, end):
            inside, j, w = _read_position(transmit_path[p] + path[p, e], last)
            offset = e * n_samples
            k = np.uint64(offset + j)
            x1 = flat[k]
            x2 = flat[k + np.uint64(1)]
            if interpolation == INTERPOLATION_LINEAR:
                value = x1 + w * (x2 - x1)
            elif interpolation == INTERPOLATION_NEAREST:
                value = x2 if w >= np.float32(0.5) else x1
            else:
                c0, c1, c2, c3 = _keys(w)
                x0 = flat[np.uint64(offset + (j - 1 if j > 0 else np.int64(0)))]
                x3 = flat[np.uint64(offset + (j + 2 if j < last else j + 1))]
                value = c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
            row[e] = value if inside and apodization[p, e] != zero else zero


@kernel
def _unpack(sample: np.uint64) -> tuple[np.float32, np.float32]:
    """Real and imaginary part of a complex64 in a little-endian 64-bit word."""
    real = np.uint32(sample & np.uint64(0xFFFFFFFF)).view(np.float32)
    imag = np.uint32(sample >> np.uint64(32)).view(np.float32)
    return real, imag


@kernel
def _read_iq(
    flat: npt.NDArray[np.uint64],
    n_samples: int,
    transmit_path: npt.NDArray[np.int64],
    path: npt.NDArray[np.int64],
    extreme: npt.NDArray[np.int64],
    span: npt.NDArray[np.int64],
    apodization: npt.NDArray[np.float32],
    interpolation: int,
    t: int,
    first: int,
    stop: int,
    transmit_phasor: npt.NDArray[np.float32],
    phasor: npt.NDArray[np.float32],
    out: npt.NDArray[np.complex64],
) -> None:
    """Read what elements first to stop − 1 received of transmit t from points in their spans.

    It is turned by the phasors (cosine, sine) of the transmit path, (n_points, 2), and of the
    receive path, (n_points, 2, n_elements).
    """
    zero = np.float32(0)
    last = np.int64(n_samples - 2)
    is_linear = interpolation == INTERPOLATION_LINEAR
    for p in range(out.shape[0]):
        row = out[p, t]
        begin, end = max(first, span[p, 0]), min(stop, span[p, 1])
        if transmit_path[p] == _NOWHERE or begin >= end:
            continue
        all_inside = _all_inside(transmit_path[p], extreme[p, 0], extreme[p, 1], n_samples)
        cosine, sine = transmit_phasor[p, 0], transmit_phasor[p, 1]
        for e in range(begin, end):
            if all_inside and is_linear:
                inside = all_inside
                position = transmit_path[p] + path[p, e]
                j = position >> _PLACES
                w = np.float32(position & _FRACTION) * np.float32(1 / _ONE)
            else:
                inside, j, w = _read_position(transmit_path[p] + path[p, e], last)
            offset = e * n_samples
            k = np.uint64(offset + j)
            real1, imag1 = _unpack(flat[k])
            real2, imag2 = _unpack(flat[k + np.uint64(1)])
            if is_linear:
                real = real1 + w * (real2 - real1)
                imag = imag1 + w * (imag2 - imag1)
            elif interpolation == INTERPOLATION_NEAREST:
                real = real2 if w >= np.float32(0.5) else real1
                imag = imag2 if w >= np.float32(0.5) else imag1
            else:
                c0, c1, c2, c3 = _keys(w)
                k0 = np.uint64(offset + (j - 1 if j > 0 else np.int64(0)))
                k3 = np.uint64(offset + (j + 2 if j < last else j + 1))
                real0, imag0 = _unpack(flat[k0])
                real3, imag3 = _unpack(flat[k3])
                real = c0 * real0 + c1 * real1 + c2 * real2 + c3 * real3
                imag = c0 * imag0 + c1 * imag1 + c2 * imag2 + c3 * imag3
            a = phasor[p, 0, e] * cosine - phasor[p, 1, e] * sine
            b = phasor[p, 0, e] * sine + phasor[p, 1, e] * cosine
            if inside and apodization[p, e] != zero:
                row[e] = complex(a * real - b * imag, a * imag + b * real)
            else:
                row[e] = 0


@kernel
def align_rf(
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
    start: int,
    stop: int,
    transmit_weights_out: npt.NDArray[np.float32],
    apodization_out: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    r"""Aligned RF channel data of the points start to stop − 1.

    .. math:: s(p, t, e) = x_{t,e}(\tau^{tx}_t(p) + |p - q_e| / c)

    Parameters
    ----------
    data : (n_transmits, n_elements, n_samples) float32
        Channel data; any amplitude unit.  Sample n of transmit t stands at
        time_zero_s[t] + n / sampling_frequency_hz.
    points_m : (n_points, 3) float32
        Where to look, in metres.
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
        Transmit apodization; the samples are not multiplied by it.  0 or NaN: the transmit is
        skipped there.
    time_zero_s : (n_transmits,) float64
        Time of sample 0 on the transmit's clock, which is the clock of `transmit_time_s`.
    window : (4,) float64
        (α, a0, a1, a2), as the module of `das` says.
    sampling_frequency_hz, sound_speed_m_s : float64 > 0
    f_number : float64 ≥ 0
        Receive F-number; 0 is the full aperture.
    element_width_wavelengths, element_height_wavelengths : float64
        Size of the elements in wavelengths, for their directivity; a negative width is no
        directivity, a height of 0 or less none in that direction.
    interpolation : int64
        An ``INTERPOLATION_`` code (any other is cubic).
    start, stop : int64
        Range of points, 0 ≤ start ≤ stop ≤ n_points.
    transmit_weights_out : (n_rows, n_transmits) float32, n_rows ≥ stop − start
        w(p, t) of point start + i in row i: `transmit_weight`, and 0 where the transmit is skipped.
    apodization_out : (n_rows, n_elements) float32
        a(p, e), window times directivity; 0 where the element does not receive the point.
    out : (n_rows, n_transmits, n_elements) float32
        s(p, t, e), in the unit of `data`; 0 where the transmit is skipped, where the apodization is
        0, and outside the record.  Of all three, the first stop − start rows are overwritten and
        the rest is untouched.

    Notes
    -----
    All arrays are C-contiguous.  A record of fewer than two samples gives zeros and transmit
    weights of 0, and no value of any array causes a read outside `data`.  Not checked: shapes,
    contiguity, start and stop, the signs of the scalars, that normals and tangents have unit
    length.  A NaN in `data` spreads to the samples that read it, if the element receives.
    """
    n_transmits, n_elements, n_samples = data.shape
    samples_per_m = sampling_frequency_hz / sound_speed_m_s
    positions = np.ascontiguousarray(element_positions_m.T).astype(np.float64)
    normals = np.ascontiguousarray(element_normals.T).astype(np.float64)
    tangents = np.ascontiguousarray(element_tangents.T).astype(np.float64)
    directivity = np.ones(n_elements, np.float32)
    distance = np.empty(n_elements, np.float64)
    axial = np.empty(n_elements, np.float64)
    lateral2 = np.empty(n_elements, np.float64)
    transmit_path = np.empty(BLOCK, np.int64)
    path = np.empty((BLOCK, n_elements), np.int64)
    span = np.empty((BLOCK, 2), np.int64)
    extreme = np.empty((BLOCK, 2), np.int64)
    for block in range(start, stop, BLOCK):
        n_points = min(BLOCK, stop - block)
        for p in range(n_points):
            x, y, z = points_m[block + p]
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
            span[p, 0], span[p, 1], extreme[p, 0], extreme[p, 1] = _receive(
                distance, axial, lateral2, directivity, samples_per_m, f_number, window,
                path[p], apodization_out[block - start + p],
            )  # fmt: skip
        rows = slice(block - start, block - start + n_points)
        for t in range(n_transmits):
            for p in range(n_points):
                i = block - start + p
                weight = transmit_weight[t, block + p]
                time_s = transmit_time_s[t, block + p]
                transmit_path[p] = _fixed((time_s - time_zero_s[t]) * sampling_frequency_hz)
                if n_samples < 2 or not abs(weight) > 0:  # NaN, too
                    transmit_path[p] = _NOWHERE
                is_used = transmit_path[p] != _NOWHERE
                transmit_weights_out[i, t] = weight if is_used else np.float32(0)
                if is_used:
                    out[i, t, : span[p, 0]] = 0
                    out[i, t, span[p, 1] :] = 0
                else:
                    out[i, t] = 0
            flat = data[t].reshape(n_elements * n_samples)
            for first in range(0, n_elements, _RUN):
                _read_rf(
                    flat, n_samples, transmit_path, path, extreme, span, apodization_out[rows],
                    interpolation, t, first, min(first + _RUN, n_elements), out[rows],
                )  # fmt: skip


@kernel
def align_iq(
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
    start: int,
    stop: int,
    transmit_weights_out: npt.NDArray[np.float32],
    apodization_out: npt.NDArray[np.float32],
    out: npt.NDArray[np.complex64],
) -> None:
    r"""Aligned IQ channel data of the points start to stop − 1.

    .. math::
        s(p, t, e) = x_{t,e}(\tau)\, e^{+2\pi j f_d \tau}, \qquad
        \tau = \tau^{tx}_t(p) + |p - q_e| / c

    The factor undoes the demodulation at the echo's time, as in `das.das_iq`: the samples are
    those of the analytic RF signals, and echoes of the point have one phase in all elements.

    The parameters are those of `align_rf`, and with them all that is said there, except for

    Parameters
    ----------
    data : (n_transmits, n_elements, n_samples) complex64
        IQ channel data; any amplitude unit.
    points_m, element_positions_m, element_normals, element_tangents
        As in `align_rf`.
    transmit_time_s, transmit_weight, time_zero_s, window, sampling_frequency_hz
        As in `align_rf`.
    demodulation_frequency_hz : float64
        f_d; 0 for an analytic signal that was not demodulated.
    sound_speed_m_s, f_number, element_width_wavelengths, element_height_wavelengths
        As in `align_rf`.
    interpolation, start, stop, transmit_weights_out, apodization_out
        As in `align_rf`.
    out : (n_rows, n_transmits, n_elements) complex64
        As in `align_rf`.
    """
    n_transmits, n_elements, n_samples = data.shape
    samples_per_m = sampling_frequency_hz / sound_speed_m_s
    turns_per_sample = demodulation_frequency_hz / sampling_frequency_hz
    positions = np.ascontiguousarray(element_positions_m.T).astype(np.float64)
    normals = np.ascontiguousarray(element_normals.T).astype(np.float64)
    tangents = np.ascontiguousarray(element_tangents.T).astype(np.float64)
    directivity = np.ones(n_elements, np.float32)
    distance = np.empty(n_elements, np.float64)
    axial = np.empty(n_elements, np.float64)
    lateral2 = np.empty(n_elements, np.float64)
    transmit_path = np.empty(BLOCK, np.int64)
    transmit_phasor = np.empty((BLOCK, 2), np.float32)
    path = np.empty((BLOCK, n_elements), np.int64)
    phasor = np.empty((BLOCK, 2, n_elements), np.float32)
    span = np.empty((BLOCK, 2), np.int64)
    extreme = np.empty((BLOCK, 2), np.int64)
    for block in range(start, stop, BLOCK):
        n_points = min(BLOCK, stop - block)
        for p in range(n_points):
            x, y, z = points_m[block + p]
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
            span[p, 0], span[p, 1], extreme[p, 0], extreme[p, 1] = _receive(
                distance, axial, lateral2, directivity, samples_per_m, f_number, window,
                path[p], apodization_out[block - start + p],
            )  # fmt: skip
            _phasors(path[p], turns_per_sample, phasor[p, 0], phasor[p, 1])
        rows = slice(block - start, block - start + n_points)
        for t in range(n_transmits):
            for p in range(n_points):
                i = block - start + p
                weight = transmit_weight[t, block + p]
                time_s = transmit_time_s[t, block + p]
                transmit_path[p] = _fixed((time_s - time_zero_s[t]) * sampling_frequency_hz)
                if n_samples < 2 or not abs(weight) > 0:  # NaN, too
                    transmit_path[p] = _NOWHERE
                is_used = transmit_path[p] != _NOWHERE
                transmit_weights_out[i, t] = weight if is_used else np.float32(0)
                if is_used:
                    out[i, t, : span[p, 0]] = 0
                    out[i, t, span[p, 1] :] = 0
                else:
                    out[i, t] = 0
                cosine, sine = _phasor(time_s * demodulation_frequency_hz)
                transmit_phasor[p, 0], transmit_phasor[p, 1] = cosine, sine
            flat = data[t].reshape(n_elements * n_samples).view(np.uint64)
            for first in range(0, n_elements, _RUN):
                _read_iq(
                    flat, n_samples, transmit_path, path, extreme, span, apodization_out[rows],
                    interpolation, t, first, min(first + _RUN, n_elements),
                    transmit_phasor, phasor, out[rows],
                )  # fmt: skip
