r"""Channel data of point scatterers, for a simulated probe.

.. math::
    x_{t,e}(\tau) &= \sum_s A_s\, g_e(s)\, u_{t,s}(\tau - |s - q_e| / c) \\
    u_{t,s}(\tau) &= \sum_i b_{t,i}\, g_i(s)\, h(\tau - d_{t,i} - |s - q_i| / c) \\
    h(\tau) &= e^{-\tau^2 / 2 \sigma^2} \cos 2\pi f_0 \tau, \qquad
    \sigma = \frac{\sqrt{2 \ln 2}}{\pi f_0 B}

u is the wave of a transmit at a scatterer, the sum of the pulses h of all firing elements i (delay
d, apodization b); B is the pulse's fractional −6 dB bandwidth.  The gain g of an element of width
w in its plane is, with θ the angle from its normal and λ = c / f0,

.. math:: g(s) = \mathrm{sinc}(w \sin\theta / \lambda)\, \cos\theta\; r_0 / \max(r, r_0)

with sinc x = sin πx / πx, and 0 behind the element (the soft baffle of Selfridge et al.), taken at
the centre frequency alone; r0 = 0 leaves the spreading factor out.

**Two steps instead of E².**  The wave u is formed once for each scatterer, on a grid of at least
`BASE_PER_PERIOD` points in a period of f0, and is then added to every receiving element with its
own delay.  To be read by straight lines it is refined to a whole number K of steps in each sample,
at least `STEPS_PER_PERIOD` in a period, by Lagrange's polynomial of degree 7 through eight
neighbours, and is kept as K + 1 rows, one for each part of a sample: a delayed copy of u is a
mixture of two neighbouring rows, added without a gather.  Reading by straight lines does not shift
a wave; it takes at most (π / STEPS_PER_PERIOD)² / 2 of its amplitude at f0, once in each step
(0.12 %), and the polynomial another 0.013 %.

References
----------
A. R. Selfridge, G. S. Kino, B. T. Khuri-Yakub, "A theory for the radiation pattern of a
narrow-strip acoustic transducer", Applied Physics Letters 37 (1980) 35-36: equation 4.
D. Garcia, "SIMUS: an open-source simulator for medical ultrasound imaging. Part I: theory and
examples", Computer Methods and Programs in Biomedicine 218 (2022) 106726: the two-way model.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

STEPS_PER_PERIOD = 64
"""Least number of grid steps in a period of the pulse's centre frequency, where lines are drawn."""

BASE_PER_PERIOD = 8
"""Least number of points in a period on which the wave at a scatterer is formed."""

PULSE_HALF_WIDTH = 4.0
"""Half the length of a pulse, in standard deviations of its envelope (−69 dB where it is cut)."""


_TAPS = 8
_BEFORE = 3  # taps before the place that is read
_MARGIN = 16  # zero samples on both sides of a wave: more than the taps reach
_LANES = 32  # rows and pulses are padded to what a loop takes at once
_FARTHEST = 2.0**40  # samples; a delay beyond it is outside of any record

# contract: fused multiply-adds in the sums.


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


@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _look(
    x_m: np.float32,
    y_m: np.float32,
    z_m: np.float32,
    positions_m: npt.NDArray[np.float32],
    normals: npt.NDArray[np.float32],
    widths_per_wavelength: float,
    spreading_reference_m: float,
    sound_speed_m_s: float,
    path_s: npt.NDArray[np.float64],
    gain: npt.NDArray[np.float32],
) -> None:
    """Time to a scatterer, and directivity times spreading, of every element; 0 if silent.

    Positions and normals are (3, n_elements).  Distances are float32, to a ten-millionth: what
    float32 positions hold.
    """
    width = np.float32(widths_per_wavelength)
    reference_m = np.float32(spreading_reference_m)
    per_speed = 1 / sound_speed_m_s
    one, none = np.float32(1), np.float32(0)
    for e in range(path_s.size):
        dx, dy, dz = x_m - positions_m[0, e], y_m - positions_m[1, e], z_m - positions_m[2, e]
        distance_m = np.float32(math.sqrt(dx * dx + dy * dy + dz * dz))
        path_s[e] = distance_m * per_speed
        ahead_m = dx * normals[0, e] + dy * normals[1, e] + dz * normals[2, e]
        cosine = ahead_m / distance_m
        cosine = cosine if cosine < one else one
        rest = one - cosine * cosine
        heard = cosine * _sinc(width * np.float32(math.sqrt(rest if rest > none else none)))
        farther_m = distance_m if distance_m > reference_m else reference_m
        spread = reference_m / farther_m if reference_m > none else one
        # Neither for NaN nor behind the element nor on it.
        gain[e] = heard * spread if ahead_m > none and distance_m < np.float32(math.inf) else none


@kernel
def _pulse_rows(
    centre_frequency_hz: float, sigma_s: float, base_hz: float, n_parts: int, half: int, width: int
) -> npt.NDArray[np.float32]:
    """Pulse h centred on point `half` and 0, 1 … n_parts parts of a step later, row by row."""
    rows = np.zeros((n_parts + 1) * width, np.float32)
    for q in range(n_parts + 1):
        for j in range(2 * half + 1):
            time_s = (j - half - q / n_parts) / base_hz
            if abs(time_s) <= PULSE_HALF_WIDTH * sigma_s:
                envelope = math.exp(-0.5 * (time_s / sigma_s) ** 2)
                carrier = math.cos(2 * math.pi * centre_frequency_hz * time_s)
                rows[q * width + j] = envelope * carrier
    return rows


@kernel
def _lagrange(n_parts: int) -> npt.NDArray[np.float32]:
    """Weights of eight neighbours, for a place 0, 1 … n_parts − 1 parts of a step before one."""
    weights = np.empty((n_parts, _TAPS), np.float32)
    for b in range(n_parts):
        place = _BEFORE + 1 - b / n_parts
        for j in range(_TAPS):
            weight = 1.0
            for i in range(_TAPS):
                if i != j:
                    weight *= (place - i) / (j - i)
            weights[b, j] = weight
    return weights


@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _add_pulses(
    place: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
    pulses: npt.NDArray[np.float32],
    width: int,
    n_parts: int,
    half: int,
    wave: npt.NDArray[np.float32],
) -> None:
    """Add a pulse at every place on the base grid whose weight is not 0."""
    for e in range(place.size):
        if abs(weight[e]) > 0:
            k = math.floor(place[e])
            part = (place[e] - k) * n_parts
            q = min(math.floor(part), n_parts - 1)
            later = np.float32(weight[e] * (part - q))
            earlier = np.float32(weight[e]) - later
            # Unsigned indices: no test for negative ones in the loops.
            to, row, next_row = np.uint64(k - half), np.uint64(q * width), np.uint64(width)
            for n in range(np.uint64(width)):
                wave[to + n] += earlier * pulses[row + n] + later * pulses[row + next_row + n]


@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _refine(
    wave: npt.NDArray[np.float32],
    n_base: int,
    n_parts: int,
    n_wave: int,
    stride: int,
    lagrange: npt.NDArray[np.float32],
    phases: npt.NDArray[np.float32],
    rows: npt.NDArray[np.float32],
) -> None:
    """Fill rows with the wave 0, 1 … n_base · n_parts parts of a sample before every sample.

    `phases` takes the points of the base grid apart, one part of a sample after the other, with
    `_MARGIN` zeros on both sides.
    """
    long = stride + 2 * _MARGIN
    phases[: n_base * long] = np.float32(0)
    for p in range(n_base):
        for n in range(n_wave):
            phases[p * long + _MARGIN + n] = wave[n * n_base + p]
    n_steps = n_base * n_parts
    for r in range(n_steps + 1):
        a, b = r // n_parts, r % n_parts
        # Tap j stands at point n · n_base − a + j − _BEFORE − 1 of the base grid.
        s = -a - _BEFORE - 1
        k0 = np.uint64((s % n_base) * long + _MARGIN + s // n_base)
        s += 1
        k1 = np.uint64((s % n_base) * long + _MARGIN + s // n_base)
        s += 1
        k2 = np.uint64((s % n_base) * long + _MARGIN + s // n_base)
        s += 1
        k3 = np.uint64((s % n_base) * long + _MARGIN + s // n_base)
        s += 1
        k4 = np.uint64((s % n_base) * long + _MARGIN + s // n_base)
        s += 1
        k5 = np.uint64((s % n_base) * long + _MARGIN + s // n_base)
        s += 1
        k6 = np.uint64((s % n_base) * long + _MARGIN + s // n_base)
        s += 1
        k7 = np.uint64((s % n_base) * long + _MARGIN + s // n_base)
        h0, h1, h2, h3 = lagrange[b, 0], lagrange[b, 1], lagrange[b, 2], lagrange[b, 3]
        h4, h5, h6, h7 = lagrange[b, 4], lagrange[b, 5], lagrange[b, 6], lagrange[b, 7]
        to = np.uint64(r * stride)
        for n in range(np.uint64(stride)):
            sum0 = h0 * phases[k0 + n] + h1 * phases[k1 + n]
            sum1 = h2 * phases[k2 + n] + h3 * phases[k3 + n]
            sum2 = h4 * phases[k4 + n] + h5 * phases[k5 + n]
            sum3 = h6 * phases[k6 + n] + h7 * phases[k7 + n]
            rows[to + n] = (sum0 + sum1) + (sum2 + sum3)


@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _receive(
    delay: npt.NDArray[np.float64],
    gain: npt.NDArray[np.float32],
    start: int,
    stop: int,
    rows: npt.NDArray[np.float32],
    n_steps: int,
    stride: int,
    out: npt.NDArray[np.float32],
    offset: int,
    n_samples: int,
) -> None:
    """Add the wave to elements start to stop − 1, whose records begin at `offset` in out."""
    for e in range(start, stop):
        if abs(gain[e]) > 0 and abs(delay[e]) < _FARTHEST:
            n0 = math.floor(delay[e])
            part = (delay[e] - n0) * n_steps
            r = min(math.floor(part), n_steps - 1)
            later = np.float32(gain[e] * (part - r))
            earlier = np.float32(gain[e]) - later
            lower, upper = max(0, -n0), min(stride, n_samples - n0)
            if upper <= lower:
                continue
            row, next_row = np.uint64(r * stride + lower), np.uint64(stride)
            to = np.uint64(offset + e * n_samples + n0 + lower)
            for n in range(np.uint64(upper - lower)):
                out[to + n] += earlier * rows[row + n] + later * rows[row + next_row + n]


@kernel
def add_point_echoes(
    scatterers_m: npt.NDArray[np.float32],
    amplitudes: npt.NDArray[np.float32],
    element_positions_m: npt.NDArray[np.float32],
    element_normals: npt.NDArray[np.float32],
    firing_delays_s: npt.NDArray[np.float64],
    apodization: npt.NDArray[np.float32],
    time_zero_s: npt.NDArray[np.float64],
    centre_frequency_hz: float,
    fractional_bandwidth: float,
    sampling_frequency_hz: float,
    sound_speed_m_s: float,
    element_width_m: float,
    spreading_reference_m: float,
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Add the echoes of point scatterers to the channel data of elements start to stop − 1.

    The equation stands at the head of the module.

    Parameters
    ----------
    scatterers_m : (n_scatterers, 3) float32
        Positions, in metres.
    amplitudes : (n_scatterers,) float32
        A, in the unit of `out`.
    element_positions_m : (n_elements, 3) float32
        Element centres, in metres.
    element_normals : (n_elements, 3) float32
        Unit vectors out of the element faces.
    firing_delays_s : (n_transmits, n_elements) float64
        When the peak of each element's pulse leaves its face, on the transmit's clock; NaN or
        infinite for an element that is silent.
    apodization : (n_transmits, n_elements) float32
        Transmit apodization b; 0 or NaN for an element that is silent.
    time_zero_s : (n_transmits,) float64
        Time of sample 0 on the transmit's clock.
    centre_frequency_hz, fractional_bandwidth : float64 > 0
        f0 and B of the two-way pulse.
    sampling_frequency_hz, sound_speed_m_s : float64 > 0
    element_width_m : float64 ≥ 0
        w; 0 for a point-like element, which keeps the cosine.
    spreading_reference_m : float64 ≥ 0
        r0, the distance of gain 1 on each way; 0 for no spreading.
    start, stop : int64
        Range of receiving elements, 0 ≤ start ≤ stop ≤ n_elements.  The waves u are formed anew in
        each call, so threads share the work better by transmits (slices of `firing_delays_s`,
        `apodization`, `time_zero_s` and `out`) than by elements.
    out : (n_transmits, n_elements, n_samples) float32
        Channel data.  Added to, not overwritten: scatterers may come in parts.

    Notes
    -----
    All arrays are C-contiguous.  What falls outside the record is left out.  Scatterers and
    elements with NaN coordinates are silent.  Memory: K and a few float32 for each sample of the
    longest wave u, which spans the arrivals at a scatterer that fit the record.  Not checked:
    shapes, start and stop, the signs of the scalars, that normals have unit length.
    """
    n_transmits, n_elements, n_samples = out.shape
    width = element_width_m * centre_frequency_hz / sound_speed_m_s
    period = sampling_frequency_hz / centre_frequency_hz  # samples
    n_base = max(1, math.ceil(BASE_PER_PERIOD / period - 1e-6))
    n_parts = max(1, math.ceil(STEPS_PER_PERIOD / (period * n_base) - 1e-6))
    base_hz = sampling_frequency_hz * n_base
    sigma_s = math.sqrt(2 * math.log(2.0)) / (math.pi * centre_frequency_hz * fractional_bandwidth)
    half = math.ceil(PULSE_HALF_WIDTH * sigma_s * base_hz) + 1
    n_pulse = (2 * half + _LANES) // _LANES * _LANES
    pulses = _pulse_rows(centre_frequency_hz, sigma_s, base_hz, n_parts, half, n_pulse)
    lagrange = _lagrange(n_parts)
    length_s = n_pulse / base_hz
    # Samples before the first and behind the last arrival: room for a pulse, and for the taps.
    lead = (half + _TAPS) // n_base + 1
    tail = (n_pulse - half + _TAPS) // n_base + 1

    positions_m = element_positions_m.T.copy()
    normals = element_normals.T.copy()
    gain = np.empty(n_elements, np.float32)
    path_s = np.empty(n_elements, np.float64)
    place = np.empty(n_elements, np.float64)
    weight = np.empty(n_elements, np.float64)
    room = 0
    wave = np.empty(0, np.float32)
    phases = np.empty(0, np.float32)
    rows = np.empty(0, np.float32)
    flat = out.reshape(-1)
    for s in range(scatterers_m.shape[0]):
        _look(
            scatterers_m[s, 0], scatterers_m[s, 1], scatterers_m[s, 2], positions_m, normals, width,
            spreading_reference_m, sound_speed_m_s, path_s, gain,
        )  # fmt: skip
        longest_s, shortest_s = 0.0, math.inf
        for e in range(n_elements):
            if path_s[e] < math.inf:
                longest_s = max(longest_s, path_s[e])
                shortest_s = min(shortest_s, path_s[e])
        for t in range(n_transmits):
            # Arrivals that no element can hear within the record are left out here, so that a
            # far scatterer or a stray delay does not make the wave long.
            earliest_s = time_zero_s[t] - longest_s - length_s
            latest_s = time_zero_s[t] + n_samples / sampling_frequency_hz - shortest_s + length_s
            first_s = math.inf
            last_s = -math.inf
            for e in range(n_elements):
                arrival_s = firing_delays_s[t, e] + path_s[e]
                heard = earliest_s < arrival_s < latest_s
                weight[e] = apodization[t, e] * gain[e] * amplitudes[s] if heard else 0.0
                place[e] = arrival_s
                if abs(weight[e]) > 0:
                    first_s = min(first_s, arrival_s)
                    last_s = max(last_s, arrival_s)
            if not first_s <= last_s:
                continue

            # The wave at the scatterer; point 0 of the base grid stands at sample `origin`.
            origin = math.floor(first_s * sampling_frequency_hz) - lead
            n_wave = math.ceil(last_s * sampling_frequency_hz) - origin + tail
            stride = (n_wave + _LANES - 1) // _LANES * _LANES
            if stride > room:
                room = stride
                wave = np.empty(room * n_base, np.float32)
                phases = np.empty((room + 2 * _MARGIN) * n_base, np.float32)
                rows = np.empty((n_base * n_parts + 1) * room, np.float32)
            wave[: stride * n_base] = np.float32(0)
            for e in range(n_elements):
                place[e] = (place[e] * sampling_frequency_hz - origin) * n_base
            _add_pulses(place, weight, pulses, n_pulse, n_parts, half, wave)
            _refine(wave, n_base, n_parts, n_wave, stride, lagrange, phases, rows)
            for e in range(n_elements):
                place[e] = (path_s[e] - time_zero_s[t]) * sampling_frequency_hz + origin
            _receive(
                place, gain, start, stop, rows, n_base * n_parts, stride, flat,
                t * n_elements * n_samples, n_samples,
            )  # fmt: skip
