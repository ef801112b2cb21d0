"""Colour composition: flow over grey, from scan lines to RGB pixels, in one pass."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

SHOWN = np.float32(0.5)
"""Share of a pixel's neighbourhood that must be shown in colour for the pixel to be."""


_MOST_TURNS = np.float32(1024)


@kernel
def _turns(turns: np.float32) -> np.float32:
    """Return the nearest whole number, of at most `_MOST_TURNS` either way; of NaN, the least."""
    # By way of an integer: a call of floor would keep the loops around it from running as vectors.
    turns = turns if turns > -_MOST_TURNS else -_MOST_TURNS
    turns = turns if turns < _MOST_TURNS else _MOST_TURNS
    return np.float32(np.int32(turns + (_MOST_TURNS + np.float32(0.5)))) - _MOST_TURNS


# contract: one rounding fewer for each product that is added.  noalias: the loops run as vectors
# without tests of overlap between their many arrays.
@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _shares(
    weight: npt.NDArray[np.float32],
    n_samples: np.uint32,
    last_corner: np.uint32,
    first: int,
    n: int,
    index: npt.NDArray[np.int32],
    weight_line: npt.NDArray[np.float32],
    weight_sample: npt.NDArray[np.float32],
    row: npt.NDArray[np.float32],
) -> None:
    """Fill row 0 with the share shown of the neighbourhoods of n entries."""
    zero, one = np.float32(0), np.float32(1)
    next_one = np.uint32(1)
    for k in range(n):
        corner = np.uint32(index[first + k])  # a negative one becomes large
        c00 = corner if corner < last_corner else last_corner
        c10 = np.uint32(c00 + n_samples)
        a, b = weight_line[first + k], weight_sample[first + k]
        s11 = a * b
        s10 = a - s11
        s01 = b - s11
        s00 = one - a - s01
        s00 = s00 if weight[c00] > zero else zero
        s01 = s01 if weight[np.uint32(c00 + next_one)] > zero else zero
        s10 = s10 if weight[c10] > zero else zero
        s11 = s11 if weight[np.uint32(c10 + next_one)] > zero else zero
        row[0, k] = s00 + s01 + s10 + s11


@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _velocities(
    velocity: npt.NDArray[np.float32],
    weight: npt.NDArray[np.float32],
    n_samples: np.uint32,
    last_corner: np.uint32,
    period: np.float32,
    centre: np.float32,
    first: int,
    n: int,
    index: npt.NDArray[np.int32],
    weight_line: npt.NDArray[np.float32],
    weight_sample: npt.NDArray[np.float32],
    power: npt.NDArray[np.float32],
    row: npt.NDArray[np.float32],
) -> None:
    """Fill row 1 with velocities and power with mean weights, of n entries."""
    zero, one = np.float32(0), np.float32(1)
    next_one = np.uint32(1)
    per_period = one / period if period > zero else zero
    for k in range(n):
        corner = np.uint32(index[first + k])
        c00 = corner if corner < last_corner else last_corner
        c01 = np.uint32(c00 + next_one)
        c10 = np.uint32(c00 + n_samples)
        c11 = np.uint32(c10 + next_one)
        a, b = weight_line[first + k], weight_sample[first + k]
        s11 = a * b
        s10 = a - s11
        s01 = b - s11
        s00 = one - a - s01
        w00, w01, w10, w11 = s00 * weight[c00], s01 * weight[c01], s10 * weight[c10], weight[c11]
        w11 *= s11
        v00, v01, v10, v11 = velocity[c00], velocity[c01], velocity[c10], velocity[c11]
        # Differences from the strongest neighbour, around the circle of velocities.
        most, v = w00, v00
        v = v01 if w01 > most else v
        most = w01 if w01 > most else most
        v = v10 if w10 > most else v
        most = w10 if w10 > most else most
        v = v11 if w11 > most else v
        d00, d01, d10, d11 = v00 - v, v01 - v, v10 - v, v11 - v
        d00 -= period * _turns(d00 * per_period)
        d01 -= period * _turns(d01 * per_period)
        d10 -= period * _turns(d10 * per_period)
        d11 -= period * _turns(d11 * per_period)
        # What is not shown may be NaN.
        d00 = w00 * d00 if w00 > zero else zero
        d01 = w01 * d01 if w01 > zero else zero
        d10 = w10 * d10 if w10 > zero else zero
        d11 = w11 * d11 if w11 > zero else zero
        total = w00 + w01 + w10 + w11
        v += (d00 + d01 + d10 + d11) / total
        row[1, k] = v - period * _turns((v - centre) * per_period)
        s00 = s00 if w00 > zero else zero
        s01 = s01 if w01 > zero else zero
        s10 = s10 if w10 > zero else zero
        s11 = s11 if w11 > zero else zero
        power[k] = total / (s00 + s01 + s10 + s11)


@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _spreads(
    spread: npt.NDArray[np.float32],
    weight: npt.NDArray[np.float32],
    n_samples: np.uint32,
    last_corner: np.uint32,
    first: int,
    n: int,
    index: npt.NDArray[np.int32],
    weight_line: npt.NDArray[np.float32],
    weight_sample: npt.NDArray[np.float32],
    row: npt.NDArray[np.float32],
) -> None:
    """Fill row 3 with the mean spreads of the points shown, of n entries."""
    zero, one = np.float32(0), np.float32(1)
    next_one = np.uint32(1)
    for k in range(n):
        corner = np.uint32(index[first + k])
        c00 = corner if corner < last_corner else last_corner
        c01 = np.uint32(c00 + next_one)
        c10 = np.uint32(c00 + n_samples)
        c11 = np.uint32(c10 + next_one)
        a, b = weight_line[first + k], weight_sample[first + k]
        s11 = a * b
        s10 = a - s11
        s01 = b - s11
        s00 = one - a - s01
        s00 = s00 if weight[c00] > zero else zero
        s01 = s01 if weight[c01] > zero else zero
        s10 = s10 if weight[c10] > zero else zero
        s11 = s11 if weight[c11] > zero else zero
        # What is not shown may be NaN.
        t00 = s00 * spread[c00] if s00 > zero else zero
        t01 = s01 * spread[c01] if s01 > zero else zero
        t10 = s10 * spread[c10] if s10 > zero else zero
        t11 = s11 * spread[c11] if s11 > zero else zero
        row[3, k] = (t00 + t01 + t10 + t11) / (s00 + s01 + s10 + s11)


@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _exponents(bits: npt.NDArray[np.int32], exponents: npt.NDArray[np.int32], n: int) -> None:
    """Split the bits of powers, positive and normal, into mantissas, in place, and exponents."""
    for k in range(n):
        word = bits[k]
        # Exponent such that the mantissa lies in [sqrt(1/2), sqrt(2)).
        exponent = np.int32(np.int32(word - np.int32(0x3F3504F3)) >> np.int32(23))
        exponents[k] = exponent
        bits[k] = np.int32(word - np.int32(exponent << np.int32(23)))


@kernel(fastmath=frozenset({"contract"}), noalias=True)
def _decibels(
    mantissas: npt.NDArray[np.float32],
    exponents: npt.NDArray[np.int32],
    n: int,
    row: npt.NDArray[np.float32],
) -> None:
    """Fill row 2 with the decibels of powers."""
    one = np.float32(1)
    db_per_octave = np.float32(3.0102999566398120)  # 10 log10 2
    db_per_neper = np.float32(4.3429448190325175)  # 10 / ln 10
    for k in range(n):
        m = mantissas[k]
        s = (m - one) / (m + one)
        s2 = s * s
        series = np.float32(1 / 3) + s2 * (np.float32(1 / 5) + s2 * np.float32(1 / 7))
        neper = np.float32(2) * (s + s * s2 * series)
        row[2, k] = np.float32(exponents[k]) * db_per_octave + db_per_neper * neper


@kernel
def compose_colour(
    grey: npt.NDArray[np.uint8],
    velocity_m_s: npt.NDArray[np.float32],
    weight: npt.NDArray[np.float32],
    spread_m_s: npt.NDArray[np.float32],
    row_runs: npt.NDArray[np.int32],
    run_column: npt.NDArray[np.int32],
    run_entry: npt.NDArray[np.int32],
    index: npt.NDArray[np.int32],
    weight_line: npt.NDArray[np.float32],
    weight_sample: npt.NDArray[np.float32],
    colours: npt.NDArray[np.uint8],
    period_m_s: float,
    gain: float,
    first_m_s: float,
    last_m_s: float,
    first_second: float,
    last_second: float,
    second_is_spread: int,
    grey_limit: int,
    start: int,
    stop: int,
    out: npt.NDArray[np.uint8],
    out_velocity_m_s: npt.NDArray[np.float32],
    out_level_db: npt.NDArray[np.float32],
) -> None:
    r"""Rows of an RGB picture: flow in colour where it is shown, grey elsewhere.

    With s_i the bilinear shares of the four neighbours of a pixel, 0 for those that are not shown
    (W_i = 0), v_0 the velocity of the one with the greatest s_i W_i, and [d] the difference d
    brought to ±period/2 by whole periods,

    .. math::
        \hat v = v_0 + \frac{\sum_i s_i W_i [v_i - v_0]}{\sum_i s_i W_i}, \qquad
        \hat L = 10 \log_{10} \frac{\sum_i s_i W_i}{\sum_i s_i}, \qquad
        \hat \sigma = \frac{\sum_i s_i \sigma_i}{\sum_i s_i}

    A pixel is coloured where the shares sum to `SHOWN` or more and its grey is below the limit.
    The velocity turns with the phase that it was measured by, so that between two sides of an
    aliasing boundary it goes on over the end of the scale, not back through zero; points that
    are not shown have no part in any colour.

    Parameters
    ----------
    grey : (n_rows, n_columns) uint8, C-contiguous
        Grey pixels.
    velocity_m_s, weight, spread_m_s : (n_lines, n_samples) float32, C-contiguous
        Velocity v; W from `colour_mask`, 0 or a normal number; and spread of velocities σ. v and σ
        may be NaN where W is 0.
    row_runs, run_column, run_entry, index, weight_line, weight_sample
        As for `usdk_kernels.scan_conversion.scan_convert`.
    colours : (n_second, n_velocities, 3) uint8, C-contiguous
        Colours in equal steps of a second quantity, level or spread, and of velocity.
    period_m_s : float64
        Velocities this far apart have one phase: twice the Nyquist velocity; 0 where they are
        known not to alias.
    gain : float64
        Factor of the velocity that is shown, and of `out_velocity_m_s`.
    first_m_s, last_m_s : float64
        Velocities, after the gain, at the edges of the first and of the last colour; those
        beyond have the last.  Velocities are brought by whole periods to the middle of these.
    first_second, last_second : float64
        The same for the second quantity, dB or m/s along the beam.
    second_is_spread : int64
        1 where the second quantity is the spread, 0 where it is the level.
    grey_limit : int64
        Pixels of this grey or a lighter one stay grey; 256 for none.
    start, stop : int64
        Rows to make: any division gives the same bits.
    out : (n_rows, n_columns, 3) uint8, C-contiguous
        Red, green and blue.  These rows are overwritten.
    out_velocity_m_s, out_level_db : (n_rows, n_columns) float32, C-contiguous
        Velocity times gain, and level, dB, to 1e-4 dB; NaN where the picture is grey.  These rows
        are overwritten.

    Notes
    -----
    A run that does not fit the raster or the tables is left out, and an index that points outside
    reads the last corner, as in `scan_convert`.  Not checked: that the maps have one shape, that
    the pictures have one, that there is a colour, that the ends of a scale differ.

    References
    ----------
    Interpolating the phase around the circle is interpolating the lag-one autocorrelation, whose
    phase it is (Kasai 1985), to the third order of the differences of phase.
    """
    n_samples = velocity_m_s.shape[1]
    n_corners = max((velocity_m_s.shape[0] - 1) * n_samples - 1, 0) if n_samples > 1 else 0
    last_corner = np.uint32(max(n_corners - 1, 0))
    velocities = velocity_m_s.reshape(velocity_m_s.size)
    weights = weight.reshape(weight.size)
    spreads = spread_m_s.reshape(spread_m_s.size)
    n_columns = out.shape[1]
    n_second, n_velocities = colours.shape[0], colours.shape[1]
    period = np.float32(period_m_s)
    factor = np.float32(gain)
    centre = np.float32((first_m_s + last_m_s) / 2 / gain)
    low = np.float32(first_m_s)
    per_colour = np.float32(n_velocities / (last_m_s - first_m_s))
    low_second = np.float32(first_second)
    per_second = np.float32(n_second / (last_second - first_second))
    last_colour = np.float32(n_velocities - 1)
    last_row = np.float32(n_second - 1)
    zero = np.float32(0)
    nan = np.float32(np.nan)
    is_spread = second_is_spread != 0
    second_place = 3 if is_spread else 2
    row_values = np.empty((4, n_columns), np.float32)
    bits, exponents = np.empty(n_columns, np.int32), np.empty(n_columns, np.int32)
    powers = bits.view(np.float32)
    for row in range(max(start, 0), min(stop, out.shape[0])):
        for column in range(n_columns):
            value = grey[row, column]
            out[row, column, 0] = value
            out[row, column, 1] = value
            out[row, column, 2] = value
        out_velocity_m_s[row] = nan
        out_level_db[row] = nan
        if n_corners == 0:
            continue
        for run in range(max(row_runs[row], 0), min(row_runs[row + 1], run_column.size)):
            column, first, last = run_column[run], run_entry[run], run_entry[run + 1]
            n = last - first
            if column < 0 or first < 0 or last > index.size or n < 0 or column + n > n_columns:
                continue
            _shares(
                weights,
                np.uint32(n_samples),
                last_corner,
                first,
                n,
                index,
                weight_line,
                weight_sample,
                row_values,
            )
            # Most of a box is not shown: the rest of the work is for what lies between the ends.
            begin, end = 0, n
            while begin < end and not row_values[0, begin] >= SHOWN:
                begin += 1
            while end > begin and not row_values[0, end - 1] >= SHOWN:
                end -= 1
            if begin == end:
                continue
            # From 0 on, not from the first that is shown: an index that might be negative would
            # keep the loops from running as vectors.
            n_shown = end - begin
            _velocities(
                velocities,
                weights,
                np.uint32(n_samples),
                last_corner,
                period,
                centre,
                first + begin,
                n_shown,
                index,
                weight_line,
                weight_sample,
                powers,
                row_values,
            )
            _exponents(bits, exponents, n_shown)
            _decibels(powers, exponents, n_shown, row_values)
            if is_spread:
                _spreads(
                    spreads,
                    weights,
                    np.uint32(n_samples),
                    last_corner,
                    first + begin,
                    n_shown,
                    index,
                    weight_line,
                    weight_sample,
                    row_values,
                )
            column += begin
            for k in range(n_shown):
                if not (row_values[0, begin + k] >= SHOWN and grey[row, column + k] < grey_limit):
                    continue
                velocity = factor * row_values[1, k]
                i = (velocity - low) * per_colour
                i = i if i > zero else zero  # NaN, too
                i = i if i < last_colour else last_colour
                j = (row_values[second_place, k] - low_second) * per_second
                j = j if j > zero else zero
                j = j if j < last_row else last_row
                colour = colours[np.int32(j), np.int32(i)]
                out[row, column + k, 0] = colour[0]
                out[row, column + k, 1] = colour[1]
                out[row, column + k, 2] = colour[2]
                out_velocity_m_s[row, column + k] = velocity
                out_level_db[row, column + k] = row_values[2, k]
