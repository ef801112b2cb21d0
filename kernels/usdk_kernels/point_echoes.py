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

**Two steps instead of E².**  The wave u is formed once for each scatterer on a grid fine enough
to be read by straight lines, and is then added to every receiving element with its own delay.
The grid has a whole number K of steps in each sample, at least `STEPS_PER_PERIOD` in a period of
f0, and is kept as K + 1 rows, one for each part of a sample: a delayed copy of u is a mixture of
two neighbouring rows, added without a gather.  Reading by straight lines does not shift a wave; it
takes at most (π / STEPS_PER_PERIOD)² / 2 of its amplitude at f0, once in each step (0.12 %).

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
"""Least number of grid steps in a period of the pulse's centre frequency."""

PULSE_HALF_WIDTH = 4.0
"""Half the length of a pulse, in standard deviations of its envelope (−69 dB where it is cut)."""


@kernel
def _gain(
    dx: float,
    dy: float,
    dz: float,
    distance_m: float,
    normal: npt.NDArray[np.float32],
    widths_per_wavelength: float,
    spreading_reference_m: float,
) -> float:
    """Directivity times spreading of one element towards a scatterer."""
    if distance_m == 0.0:
        return 0.0
    cosine = np.float64(dx * normal[0] + dy * normal[1] + dz * normal[2]) / distance_m
    if not cosine > 0.0:
        return 0.0
    gain: float = min(cosine, 1.0)
    argument = math.pi * widths_per_wavelength * math.sqrt(1.0 - gain * gain)
    if argument > 1e-6:
        gain *= math.sin(argument) / argument
    if spreading_reference_m > 0.0:
        gain *= spreading_reference_m / max(distance_m, spreading_reference_m)
    return gain


@kernel
def _add_mixture(
    weight: np.float32,
    earlier: npt.NDArray[np.float32],
    other_weight: np.float32,
    later: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    """Add weight * earlier + other_weight * later to out."""
    for n in range(out.size):
        out[n] += weight * earlier[n] + other_weight * later[n]


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
    elements with NaN coordinates are silent.  Memory: 2 K float32 for each sample of the longest
    wave u, which spans the arrivals at a scatterer that fit the record.  Not checked: shapes,
    start and stop, the signs of the scalars, that normals have unit length.
    """
    n_transmits, n_elements, n_samples = out.shape
    wavelength_m = sound_speed_m_s / centre_frequency_hz
    width = element_width_m / wavelength_m
    steps = max(1, math.ceil(STEPS_PER_PERIOD * centre_frequency_hz / sampling_frequency_hz))
    grid_hz = sampling_frequency_hz * steps
    sigma = math.sqrt(2 * math.log(2.0)) / (math.pi * centre_frequency_hz * fractional_bandwidth)

    # The pulse on the grid, with a zero at either end for the mixture of two neighbours.
    half = math.ceil(PULSE_HALF_WIDTH * sigma * grid_hz)
    pulse = np.zeros(2 * half + 3, np.float32)
    for k in range(-half, half + 1):
        time_s = k / grid_hz
        envelope = math.exp(-0.5 * (time_s / sigma) ** 2)
        pulse[half + 1 + k] = envelope * math.cos(2 * math.pi * centre_frequency_hz * time_s)
    n_pulse = pulse.size - 1
    length_s = n_pulse / grid_hz

    gain = np.empty(n_elements, np.float64)
    path_s = np.empty(n_elements, np.float64)
    arrival_s = np.empty(n_elements, np.float64)
    weight = np.empty(n_elements, np.float64)
    fine = np.empty(0, np.float32)
    rows = np.empty((steps + 1, 0), np.float32)
    for s in range(scatterers_m.shape[0]):
        for e in range(n_elements):
            dx = np.float64(scatterers_m[s, 0]) - element_positions_m[e, 0]
            dy = np.float64(scatterers_m[s, 1]) - element_positions_m[e, 1]
            dz = np.float64(scatterers_m[s, 2]) - element_positions_m[e, 2]
            distance_m = math.sqrt(dx * dx + dy * dy + dz * dz)
            path_s[e] = distance_m / sound_speed_m_s
            gain[e] = _gain(
                dx, dy, dz, distance_m, element_normals[e], width, spreading_reference_m
            )
        longest_s = 0.0
        for e in range(n_elements):
            if path_s[e] < math.inf:
                longest_s = max(longest_s, path_s[e])
        for t in range(n_transmits):
            # Arrivals that no element can hear within the record are left out here, so that a
            # far scatterer or a stray delay does not make the wave long.
            earliest_s = time_zero_s[t] - longest_s - length_s
            latest_s = time_zero_s[t] + n_samples / sampling_frequency_hz + length_s
            first_s = math.inf
            last_s = -math.inf
            for e in range(n_elements):
                arrival_s[e] = firing_delays_s[t, e] + path_s[e]
                heard = earliest_s < arrival_s[e] < latest_s
                weight[e] = apodization[t, e] * gain[e] * amplitudes[s] if heard else 0.0
                if abs(weight[e]) > 0:
                    first_s = min(first_s, arrival_s[e])
                    last_s = max(last_s, arrival_s[e])
            if not first_s <= last_s:
                continue

            # The wave at the scatterer on the grid; grid point 0 stands at sample `origin`.
            lead = half + 2  # grid steps from the origin to the first arrival, at least
            origin = math.floor(first_s * sampling_frequency_hz - lead / steps)
            n_wave = math.ceil(last_s * sampling_frequency_hz) - origin + 2 + lead // steps
            if n_wave * steps > fine.size:
                fine = np.empty(n_wave * steps, np.float32)
                rows = np.empty((steps + 1, n_wave), np.float32)
            fine[: n_wave * steps] = 0
            for e in range(n_elements):
                if abs(weight[e]) > 0:
                    place = (arrival_s[e] * sampling_frequency_hz - origin) * steps
                    k = math.floor(place)
                    f = place - k
                    k -= half
                    _add_mixture(
                        np.float32(weight[e] * (1 - f)), pulse[1:],
                        np.float32(weight[e] * f), pulse[:n_pulse],
                        fine[k : k + n_pulse],
                    )  # fmt: skip
            # rows[r, n] is the wave r grid steps before sample n + origin.
            for r in range(steps + 1):
                for n in range(n_wave):
                    k = n * steps - r
                    rows[r, n] = fine[k] if k >= 0 else np.float32(0)

            for e in range(start, stop):
                if abs(gain[e]) > 0 and path_s[e] <= longest_s:
                    delay = (path_s[e] - time_zero_s[t]) * sampling_frequency_hz + origin
                    n0 = math.floor(delay)
                    place = (delay - n0) * steps
                    r = min(math.floor(place), steps - 1)
                    f = place - r
                    lower = max(0, -n0)
                    upper = min(n_wave, n_samples - n0)
                    if upper > lower:
                        _add_mixture(
                            np.float32(gain[e] * (1 - f)), rows[r, lower:upper],
                            np.float32(gain[e] * f), rows[r + 1, lower:upper],
                            out[t, e, n0 + lower : n0 + upper],
                        )  # fmt: skip
