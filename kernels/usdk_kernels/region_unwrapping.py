r"""Spatial unwrapping of a velocity map, region by region.

A velocity is known up to whole periods P = 2 v_N.  The map is cut into regions of neighbours that
lie in one of three equal bands of (−v_N, v_N), within which nothing can be aliased against its
neighbours.  Two regions that touch have, along their common border, the weighted mean step

.. math:: s_{ab} = \sum_{(p,q)} w_{pq} (v_p + k_p P - v_q - k_q P) \Big/ P \sum_{(p,q)} w_{pq},
    \qquad w_{pq} = \min(w_p, w_q)

over all pairs of neighbours p in a and q in b.  Every region joins the neighbour with which it
shares the heaviest border, and is moved against it by the whole number of periods nearest to the
step: **the entire border votes**, so that single noisy points decide nothing.  Borders of regions
that have joined are added up, and the next round begins, until no region has a neighbour left.
Ties go to the neighbour of the lowest number, so that the result is the same on every machine.

**What stays.** Each connected part of the map is left with one unknown, whole number of periods for
all of it.  Its points next to the outside of the map's flow (weight 0 or NaN: tissue, where flow is
slow) vote, by weight, for the number that leaves them as measured; in a part without such points
all of them vote.  Numbers beyond ± `MAX_WRAPS` are not considered.

References
----------
J. J. Helmus, S. M. Collis, "The Python ARM Radar Toolkit (Py-ART)", J. Open Res. Softw. 4, 2016
(the region-based method of Doppler weather radar).  M. A. Herráez, D. R. Burton, M. J. Lalor,
M. A. Gdeisat, "Fast two-dimensional phase-unwrapping algorithm based on sorting by reliability
following a noncontinuous path", Appl. Opt. 41(35), 2002 (groups that join in order of quality).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

N_BANDS = 3
"""Bands of velocity; two points of one band differ by less than two thirds of v_N."""

MAX_WRAPS = 15
"""Most periods that a region may be moved by."""


@kernel
def _root(parent: npt.NDArray[np.int32], shift: npt.NDArray[np.int32], place: int) -> int:
    """Return the root of a place and point the place at it, shifts added up."""
    root = place
    total = 0
    while parent[root] != root:
        total += shift[root]
        root = parent[root]
    while parent[place] != root and place != root:
        above = parent[place]
        step = shift[place]
        parent[place] = root
        shift[place] = total
        total -= step
        place = above
    return root


@kernel
def unwrap_regions(
    velocity_m_s: npt.NDArray[np.float32],
    weight: npt.NDArray[np.float32],
    nyquist_m_s: float,
    out: npt.NDArray[np.int16],
) -> None:
    r"""Whole periods to add to each point; the method stands at the head of the module.

    Parameters
    ----------
    velocity_m_s : (n_lines, n_samples) float32
        Aliased velocities; those outside ± nyquist_m_s count as the nearest that is not.
    weight : (n_lines, n_samples) float32
        How much each point counts, for example its power; points with a weight that is not
        positive and finite, or whose velocity is not finite, are outside the flow.
    nyquist_m_s : float64 > 0
        v_N, m/s.
    out : (n_lines, n_samples) int16
        k: the unwrapped velocity is v + 2 k v_N; 0 outside the flow.  Overwritten.

    Notes
    -----
    All arrays are C-contiguous.  Memory: some 100 bytes a point, of the kernel's own.  Not checked:
    shapes, that there are fewer than 2^30 points.
    """
    n_lines, n_samples = velocity_m_s.shape
    n_points = n_lines * n_samples
    period = 2.0 * nyquist_m_s
    band = np.full(n_points, -1, np.int8)
    for i in range(n_lines):
        for m in range(n_samples):
            out[i, m] = 0
            v = np.float64(velocity_m_s[i, m])
            w = weight[i, m]
            if math.isfinite(v) and 0 < w < math.inf:
                place = math.floor((v / nyquist_m_s + 1.0) * (0.5 * N_BANDS))
                band[i * n_samples + m] = min(max(place, 0), N_BANDS - 1)

    # Regions: neighbours of one band.
    parent = np.arange(n_points).astype(np.int32)
    shift = np.zeros(n_points, np.int32)
    for i in range(n_lines):
        for m in range(n_samples):
            p = i * n_samples + m
            if band[p] < 0:
                continue
            for side in range(2):
                if (i if side else m) == 0:
                    continue
                q = p - n_samples if side else p - 1
                if band[q] == band[p]:
                    a = _root(parent, shift, p)
                    b = _root(parent, shift, q)
                    if a != b:
                        parent[max(a, b)] = min(a, b)

    # Borders: pairs of neighbours in different regions; the lower number first.
    n_edges = 0
    for i in range(n_lines):
        for m in range(n_samples):
            p = i * n_samples + m
            if band[p] >= 0:
                if m > 0 and band[p - 1] >= 0 and band[p - 1] != band[p]:
                    n_edges += 1
                if i > 0 and band[p - n_samples] >= 0 and band[p - n_samples] != band[p]:
                    n_edges += 1
    key = np.empty(n_edges, np.int64)
    edge_weight = np.empty(n_edges, np.float64)
    edge_step = np.empty(n_edges, np.float64)
    e = 0
    for i in range(n_lines):
        for m in range(n_samples):
            p = i * n_samples + m
            if band[p] < 0:
                continue
            for side in range(2):
                if (i if side else m) == 0:
                    continue
                q = p - n_samples if side else p - 1
                if band[q] < 0 or band[q] == band[p]:
                    continue
                iq = i - side
                mq = m - (1 - side)
                w = np.float64(min(weight[i, m], weight[iq, mq]))
                a = _root(parent, shift, p)
                b = _root(parent, shift, q)
                step = (np.float64(velocity_m_s[i, m]) - velocity_m_s[iq, mq]) / period
                if a > b:
                    a, b, step = b, a, -step
                key[e] = np.int64(a) * n_points + b
                edge_weight[e] = w
                edge_step[e] = w * step
                e += 1

    # Rounds: borders of the same two are added up, then every region joins its closest neighbour.
    heaviest = np.empty(n_points, np.float64)
    chosen = np.empty(n_points, np.int32)
    while n_edges > 0:
        order = np.argsort(key[:n_edges], kind="mergesort")
        n_borders = 0
        new_key = np.empty(n_edges, np.int64)
        new_weight = np.empty(n_edges, np.float64)
        new_step = np.empty(n_edges, np.float64)
        for o in range(n_edges):
            e = order[o]
            if n_borders > 0 and new_key[n_borders - 1] == key[e]:
                new_weight[n_borders - 1] += edge_weight[e]
                new_step[n_borders - 1] += edge_step[e]
            else:
                new_key[n_borders] = key[e]
                new_weight[n_borders] = edge_weight[e]
                new_step[n_borders] = edge_step[e]
                n_borders += 1
        for b in range(n_borders):
            for end in range(2):
                r = new_key[b] // n_points if end else new_key[b] % n_points
                heaviest[r] = -1.0
                chosen[r] = -1
        for b in range(n_borders):
            for end in range(2):
                r = new_key[b] // n_points if end else new_key[b] % n_points
                if new_weight[b] > heaviest[r]:
                    heaviest[r] = new_weight[b]
                    chosen[r] = b
        for b in range(n_borders):
            lower = new_key[b] // n_points
            upper = new_key[b] % n_points
            if chosen[lower] != b and chosen[upper] != b:
                continue
            one = _root(parent, shift, lower)
            other = _root(parent, shift, upper)
            if one == other:
                continue
            # The step was measured between the two as they stood when the round began.
            turns = math.floor(new_step[b] / new_weight[b] + 0.5)
            turns = min(max(turns, -MAX_WRAPS), MAX_WRAPS)
            move = np.int32(turns)
            if lower != one:
                move += shift[lower]
            if upper != other:
                move -= shift[upper]
            if one < other:
                parent[other] = one
                shift[other] = move
            else:
                parent[one] = other
                shift[one] = -move
        e = 0
        for b in range(n_borders):
            lower = new_key[b] // n_points
            upper = new_key[b] % n_points
            one = _root(parent, shift, lower)
            other = _root(parent, shift, upper)
            if one == other:
                continue
            moved = 0
            if lower != one:
                moved += shift[lower]
            if upper != other:
                moved -= shift[upper]
            step = new_step[b] + new_weight[b] * moved
            if one > other:
                one, other, step = other, one, -step
            key[e] = np.int64(one) * n_points + other
            edge_weight[e] = new_weight[b]
            edge_step[e] = step
            e += 1
        n_edges = e

    # The number of each connected part that leaves most of its rim, or of itself, as it was.
    n_votes = 2 * MAX_WRAPS + 1
    part = np.full(n_points, -1, np.int32)
    n_parts = 0
    for p in range(n_points):
        if band[p] >= 0:
            r = _root(parent, shift, p)
            if part[r] < 0:
                part[r] = n_parts
                n_parts += 1
    votes = np.zeros((n_parts, 2, n_votes), np.float64)
    for i in range(n_lines):
        for m in range(n_samples):
            p = i * n_samples + m
            if band[p] < 0:
                continue
            r = _root(parent, shift, p)
            k = shift[p] if p != r else 0
            if abs(k) > MAX_WRAPS:
                continue
            votes[part[r], 1, k + MAX_WRAPS] += weight[i, m]
            is_rim = False
            if i > 0:
                is_rim = is_rim or band[p - n_samples] < 0
            if i < n_lines - 1:
                is_rim = is_rim or band[p + n_samples] < 0
            if m > 0:
                is_rim = is_rim or band[p - 1] < 0
            if m < n_samples - 1:
                is_rim = is_rim or band[p + 1] < 0
            if is_rim:
                votes[part[r], 0, k + MAX_WRAPS] += weight[i, m]
    kept = np.zeros(n_parts, np.int32)
    for n in range(n_parts):
        row = 1
        for k in range(n_votes):
            if votes[n, 0, k] > 0:
                row = 0
        best = 0.0
        for k in range(n_votes):
            if votes[n, row, k] > best:
                best = votes[n, row, k]
                kept[n] = k - MAX_WRAPS
    for i in range(n_lines):
        for m in range(n_samples):
            p = i * n_samples + m
            if band[p] >= 0:
                r = _root(parent, shift, p)
                k = shift[p] if p != r else 0
                out[i, m] = k - kept[part[r]]
