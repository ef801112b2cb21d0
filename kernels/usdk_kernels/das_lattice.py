r"""Delay-and-sum along scan lines that stand on the lattice of the elements.

The sum is that of `usdk_kernels.das` with linear interpolation,

.. math::
    y(p) = \sum_t w_t(p) \sum_e a_e(p)\, x_{t,e}(\tau), \qquad
    \tau = \tau^{tx}_t(p) + |p - q_e| / c,

where turning or moving the array by one element carries every line to another one: a uniform
curved array and lines through its centre of curvature, or a uniform linear array and lines along
its normals, with a rational number of lines to the pitch.

**Why it is faster.** Receive path, apodization and receive phasor of element e at line l depend on
range and on the *difference* of their places alone.  They stand in one table with a row for each
difference, and element e of line l has the row first_row[l] + e.  What depends on the transmit
stands in a table of its own.  Both hold sample positions as whole samples and a rest in fixed
point, so that nothing is left to be computed of a tap but the sum of two integers.

`LANES` consecutive ranges of a line are a run.  The samples that a run reads of one element and
transmit lie in a few short windows of the record, which are loaded whole; each lane picks its two
samples inside the registers (on AVX-512: a permutation of 32 samples, one instruction).  One
window of 32 samples serves a run that spans no more; else every quarter of a run has 16 samples of
its own.

**Order of the work.** `LINES` lines, `GROUP` transmits and `CHUNK` elements are summed together:
what they read stays in the first-level cache, and a row of the receive table is loaded once for
the transmits of a group, whose sums stand in registers.

**Exactness.** Linear interpolation at the very delay; each of the two parts of a position is
rounded to 2^-23 sample, an apodization to float32.  A point's bits depend on its run alone: lines
may be cut anywhere.

Elsewhere than on AVX-512 the lanes' samples are loaded one by one, and the rest is the same.

References
----------
V. Perrot, M. Polichetti, F. Varray, D. Garcia, "So you think you can DAS? A viewpoint on
delay-and-sum beamforming", Ultrasonics 111 (2021) 106309: delays, F-number, I/Q phase rotation.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from usdk_kernels._compile import kernel

LANES = 16
"""Ranges in a run."""
QUARTERS = 4
"""Parts of a run that may have a window each."""
GROUP = 4
"""Transmits whose sums stand in registers together."""
CHUNK = 16
"""Elements whose samples are kept for all lines of a block."""
LINES = 48
"""Lines of a block."""
PLACES = 23
"""Binary places of the rest of a sample position."""

_ONE_BITS = 0x3F800000  # of 1.0 as a float32, of which the rest of a position is the fraction
_FARTHEST = 2**29  # samples; no base of a table that stands nearer a record is farther
_FAR_AWAY = 2**40  # samples; beyond the sum of any two bases


# ---------------------------------------------------------------- a group of transmits at a run


def _add_group(
    flat: Any, origin: Any, source: Any, record: Any, n_samples: Any, base: Any, rel: Any,
    apodization: Any, row: Any, begin: Any, end: Any, entry_rel: Any, entry: Any,
    n_entries: Any, n_starts: Any, n_planes: Any, sums: Any, at: Any,
) -> None:  # fmt: skip
    """Add the elements [begin, end) to the sums of a group of entries at a run.

    `origin` from `source` on has where the samples of element 0 begin for each entry and window,
    `row` is the receive table's for element 0.  `sums` from `at` on: (n_entries, n_planes, LANES).
    """
    step = LANES // n_starts
    for e in range(begin, end):
        here = row + e
        for k in range(n_entries):
            place = (entry + k) * LANES
            position = rel[here * LANES : (here + 1) * LANES] + entry_rel[place : place + LANES]
            j = (position >> PLACES) & (2 * LANES - 1 if n_starts == 1 else LANES - 1)
            rest = (position & (2**PLACES - 1)) | _ONE_BITS
            w = rest.astype(np.int32).view(np.float32) - np.float32(1)
            start = np.repeat(base[here * n_starts : (here + 1) * n_starts], step).astype(np.int64)
            start += np.repeat(origin[source + k * n_starts :][:n_starts], step) + e * record + j
            v = []
            for plane in range(n_planes):
                a, b = flat[start + plane * n_samples], flat[start + plane * n_samples + 1]
                v.append(a + w * (b - a))
            out = sums[at + k * n_planes * LANES : at + (k + 1) * n_planes * LANES]
            a = apodization[here * n_planes * LANES : (here + 1) * n_planes * LANES]
            if n_planes == 1:
                out += a * v[0]
                continue
            real, imag = a[:LANES], a[LANES:]
            out[:LANES] += real * v[0] - imag * v[1]
            out[LANES:] += real * v[1] + imag * v[0]


_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INTEGERS = ir.VectorType(ir.IntType(32), LANES)
_LONG = ir.IntType(64)


def _whole(value: int) -> Any:
    return ir.Constant(_LONG, value)


def _all(value: int) -> Any:
    return ir.Constant(_INTEGERS, [value] * LANES)


@contextmanager
def _where_equal(builder: Any, *pairs: tuple[Any, int]) -> Any:
    """Emit code that runs where every integer has its wanted value."""
    condition = ir.Constant(ir.IntType(1), 1)
    for value, wanted in pairs:
        equal = builder.icmp_signed("==", value, ir.Constant(value.type, wanted))
        condition = builder.and_(condition, equal)
    with builder.if_then(condition):
        yield


class _Code:
    """Vectors of the code that is being generated."""

    def __init__(self, context: Any, builder: Any) -> None:
        self.builder = builder
        self.has_permutation = "+avx512f" in context.codegen().magic_tuple()[2].split(",")

    def call(self, name: str, *arguments: Any) -> Any:
        kind = ir.FunctionType(_FLOATS, [argument.type for argument in arguments])
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, arguments)

    def load(self, pointer: Any, index: Any, kind: Any = _FLOATS) -> Any:
        place = self.builder.bitcast(self.builder.gep(pointer, [index]), kind.as_pointer())
        return self.builder.load(place, align=4)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        return self.call(f"llvm.fmuladd.v{LANES}f32", a, b, c)

    def fraction(self, position: Any) -> Any:
        """Return the rest of a position as a float: its bits behind those of 1, less 1."""
        b = self.builder
        bits = b.or_(b.and_(position, _all(2**PLACES - 1)), _all(_ONE_BITS))
        return b.fsub(b.bitcast(bits, _FLOATS), ir.Constant(_FLOATS, [1.0] * LANES))

    def pairs(self, flat: Any, starts: list[Any], j: Any) -> list[Any]:
        """Pick each lane's sample j and the next one out of its window."""
        b = self.builder
        if not self.has_permutation:
            return [self._lane_by_lane(flat, starts, j, extra) for extra in (0, 1)]
        if len(starts) == 1:
            starts = [starts[0], b.add(starts[0], _whole(LANES))]
        rows = [self.load(flat, start) for start in starts]
        is_first = ir.Constant(
            ir.VectorType(ir.IntType(1), LANES), [lane < LANES // 2 for lane in range(LANES)]
        )
        found = []
        for index in (j, b.add(j, _all(1))):
            # The permutation looks at the low five bits of the index.
            halves = [
                self.call("llvm.x86.avx512.vpermi2var.ps.512", rows[n], index, rows[n + 1])
                for n in range(0, len(rows), 2)
            ]
            found.append(halves[0] if len(halves) == 1 else b.select(is_first, *halves))
        return found

    def _lane_by_lane(self, flat: Any, starts: list[Any], j: Any, extra: int) -> Any:
        b = self.builder
        j = b.and_(j, _all(2 * LANES - 1 if len(starts) == 1 else LANES - 1))
        result = ir.Constant(_FLOATS, ir.Undefined)
        for lane in range(LANES):
            place = ir.Constant(ir.IntType(32), lane)
            index = b.add(b.zext(b.extract_element(j, place), _LONG), _whole(extra))
            start = starts[lane * len(starts) // LANES]
            sample = b.load(b.gep(flat, [b.add(start, index)]))
            result = b.insert_element(result, sample, place)
        return result


def _add_group_loop(
    o: _Code, b: Any, flat: Any, origin: Any, source: Any, record: Any, n_samples: Any,
    base: Any, rel: Any, apodization: Any, row: Any, begin: Any, end: Any, entry_rel: Any,
    entry: Any, sums: Any, at: Any, n_entries: int, n_starts: int, n_planes: int,
) -> None:  # fmt: skip
    """Emit `_add_group` for one number of entries, windows and planes."""
    places = [b.mul(b.add(entry, _whole(k)), _whole(LANES)) for k in range(n_entries)]
    delays = [o.load(entry_rel, place, _INTEGERS) for place in places]
    origins = [
        b.load(b.gep(origin, [b.add(source, _whole(n))])) for n in range(n_entries * n_starts)
    ]
    spots = [b.add(at, _whole(n * LANES)) for n in range(n_entries * n_planes)]
    running = [cgutils.alloca_once(b, _FLOATS) for _ in spots]
    for spot, sum_ in zip(spots, running, strict=True):
        b.store(o.load(sums, spot), sum_)
    with cgutils.for_range(b, b.sub(end, begin), intp=_LONG) as loop:
        e = b.add(begin, loop.index)
        here = b.add(row, e)
        delay = o.load(rel, b.mul(here, _whole(LANES)), _INTEGERS)
        weights = [
            o.load(
                apodization, b.mul(b.add(b.mul(here, _whole(n_planes)), _whole(n)), _whole(LANES))
            )
            for n in range(n_planes)
        ]
        starts = []
        for n in range(n_starts):
            start = b.load(b.gep(base, [b.add(b.mul(here, _whole(n_starts)), _whole(n))]))
            starts.append(b.add(b.sext(start, _LONG), b.mul(e, record)))
        for k in range(n_entries):
            position = b.add(delay, delays[k])
            j, w = b.lshr(position, _all(PLACES)), o.fraction(position)
            values = []
            for plane in range(n_planes):
                windows = []
                for n in range(n_starts):
                    first = b.add(starts[n], origins[k * n_starts + n])
                    windows.append(b.add(first, b.mul(n_samples, _whole(plane))))
                early, late = o.pairs(flat, windows, j)
                values.append(o.fma(w, b.fsub(late, early), early))
            here_sums = running[k * n_planes : (k + 1) * n_planes]
            after = [b.load(sum_) for sum_ in here_sums]
            after = [o.fma(weights[0], v, s) for v, s in zip(values, after, strict=True)]
            if n_planes == 2:
                x, y = values
                after = [
                    o.fma(b.fneg(weights[1]), y, after[0]),
                    o.fma(weights[1], x, after[1]),
                ]
            for value, sum_ in zip(after, here_sums, strict=True):
                b.store(value, sum_)
    for spot, sum_ in zip(spots, running, strict=True):
        place = b.bitcast(b.gep(sums, [spot]), _FLOATS.as_pointer())
        b.store(b.load(sum_), place, align=4)


@intrinsic  # type: ignore[untyped-decorator]
def _add_group_code(
    typing: Any, flat: Any, origin: Any, source: Any, record: Any, n_samples: Any, base: Any,
    rel: Any, apodization: Any, row: Any, begin: Any, end: Any, entry_rel: Any, entry: Any,
    n_entries: Any, n_starts: Any, n_planes: Any, sums: Any, at: Any,
) -> Any:  # fmt: skip
    signature = types.void(
        flat, origin, source, record, n_samples, base, rel, apodization, row, begin, end, entry_rel,
        entry, n_entries, n_starts, n_planes, sums, at,
    )  # fmt: skip

    def generate(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        (
            flat, origin, source, record, n_samples, base, rel, apodization, row, begin, end,
            entry_rel, entry, n_entries, n_starts, n_planes, sums, at,
        ) = [
            context.make_array(kind)(context, b, value).data
            if isinstance(kind, types.Array)
            else value
            for kind, value in zip(signature.args, arguments, strict=True)
        ]  # fmt: skip
        o = _Code(context, b)
        for entries in range(1, GROUP + 1):
            for starts in (1, QUARTERS):
                for planes in (1, 2):
                    with _where_equal(
                        b, (n_entries, entries), (n_starts, starts), (n_planes, planes)
                    ):
                        _add_group_loop(
                            o, b, flat, origin, source, record, n_samples, base, rel, apodization,
                            row, begin, end, entry_rel, entry, sums, at, entries, starts, planes,
                        )  # fmt: skip
        return context.get_dummy_value()

    return signature, generate


@overload(_add_group)  # type: ignore[untyped-decorator]
def _add_group_compiled(
    flat: Any, origin: Any, source: Any, record: Any, n_samples: Any, base: Any, rel: Any,
    apodization: Any, row: Any, begin: Any, end: Any, entry_rel: Any, entry: Any,
    n_entries: Any, n_starts: Any, n_planes: Any, sums: Any, at: Any,
) -> Any:  # fmt: skip
    def compiled(
        flat: Any, origin: Any, source: Any, record: Any, n_samples: Any, base: Any, rel: Any,
        apodization: Any, row: Any, begin: Any, end: Any, entry_rel: Any, entry: Any,
        n_entries: Any, n_starts: Any, n_planes: Any, sums: Any, at: Any,
    ) -> None:  # fmt: skip
        _add_group_code(
            flat, origin, np.int64(source), np.int64(record), np.int64(n_samples), base, rel,
            apodization, np.int64(row), np.int64(begin), np.int64(end), entry_rel, np.int64(entry),
            np.int64(n_entries), np.int64(n_starts), np.int64(n_planes), sums, np.int64(at),
        )  # fmt: skip

    return compiled


# ---------------------------------------------------------------- runs that leave the record


@kernel
def _add_lane_by_lane(
    flat: npt.NDArray[np.float32],
    record: int,
    n_samples: int,
    base: npt.NDArray[np.int32],
    rel: npt.NDArray[np.int32],
    apodization: npt.NDArray[np.float32],
    row: int,
    begin: int,
    end: int,
    transmit: int,
    entry_base: npt.NDArray[np.int32],
    entry_rel: npt.NDArray[np.int32],
    entry: int,
    n_starts: int,
    n_planes: int,
    sums: npt.NDArray[np.float32],
    at: int,
) -> None:
    """Do what `_add_group` does for one entry, where not all samples are inside the record."""
    window = 2 * LANES if n_starts == 1 else LANES
    step = LANES // n_starts
    for e in range(begin, end):
        here = row + e
        first = transmit + e * record
        for m in range(LANES):
            n = m // step
            rest = np.int64(rel[here * LANES + m]) + np.int64(entry_rel[entry * LANES + m])
            j = (rest >> PLACES) & (window - 1)
            j += np.int64(base[here * n_starts + n]) + np.int64(entry_base[entry * n_starts + n])
            w = np.float32(rest & (2**PLACES - 1)) * np.float32(2.0**-PLACES)
            # At the very last sample a pair's second stands beyond the record and counts nothing.
            if j < 0 or j > n_samples - 1 or (j == n_samples - 1 and w > 0):
                continue
            late = 1 if j < n_samples - 1 else 0
            spot = first + j
            x = flat[spot] + w * (flat[spot + late] - flat[spot])
            real = apodization[here * n_planes * LANES + m]
            if n_planes == 1:
                sums[at + m] += real * x
                continue
            spot += n_samples
            y = flat[spot] + w * (flat[spot + late] - flat[spot])
            imag = apodization[(here * 2 + 1) * LANES + m]
            sums[at + m] += real * x - imag * y
            sums[at + LANES + m] += real * y + imag * x


@kernel
def _extremes(values: npt.NDArray[np.int32], begin: int, end: int) -> tuple[np.int64, np.int64]:
    """Least and greatest of the items [begin, end), no farther than any record is long."""
    low, high = np.int32(_FARTHEST), np.int32(-_FARTHEST)
    for n in range(begin, end):
        low = min(low, values[n])
        high = max(high, values[n])
    return np.int64(low), np.int64(high)


# ---------------------------------------------------------------- the kernel


# noalias: 0.97 of the time.
@kernel(noalias=True)
def das_lattice(
    data: npt.NDArray[np.float32],
    first_row: npt.NDArray[np.int64],
    receive_base: npt.NDArray[np.int32],
    receive_rel: npt.NDArray[np.int32],
    receive_apodization: npt.NDArray[np.float32],
    open_elements: npt.NDArray[np.int32],
    first_entry: npt.NDArray[np.int64],
    entry_transmit: npt.NDArray[np.int32],
    entry_base: npt.NDArray[np.int32],
    entry_rel: npt.NDArray[np.int32],
    entry_weight: npt.NDArray[np.float32],
    factor: npt.NDArray[np.float32],
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Delay-and-sum of channel data along the lines start to stop − 1.

    With s = `LANES` r + m the m-th range of run r, and i an entry of line l and run r,

    .. math::
        y_{l,s} = f_{l,s} \sum_i w_{i,m} \sum_e a_{r,q,m}\, x_{t_i,e}(b_{r,q} + b_i + \rho_{r,q,m}
        + \rho_{i,m}), \qquad q = q_l + e,

    x linear between its samples, 0 outside the record.  a and w are complex for IQ.

    Parameters
    ----------
    data : (n_transmits, n_elements, n_planes, n_samples) float32
        Channel data; one plane of RF, or two of IQ (`usdk_kernels.das_range.split_planes`).  Any
        amplitude unit.
    first_row : (n_lines,) int64
        q_l: row of the receive table for element 0, which may lie before the table where the
        line's open elements do not.
    receive_base : (n_runs, n_rows, n_windows) int32
        b, in samples: one for the whole run, or one for each of its four quarters.
    receive_rel : (n_runs, n_rows, LANES) int32
        ρ, in 2^-`PLACES` samples; not negative.
    receive_apodization : (n_runs, n_rows, n_planes, LANES) float32
        a; times the receive path's phasor for IQ.
    open_elements : (n_lines, n_runs, 2) int32
        First element that any point of the run hears, and the one after the last.
    first_entry : (n_lines * n_runs + 1,) int64
        The entries of line l and run r are [first_entry[n], first_entry[n + 1]) with
        n = l n_runs + r.
    entry_transmit : (n_entries,) int32
        t: transmit of each entry.
    entry_base : (n_entries, n_windows) int32
        As `receive_base`, for the transmit path less the time of the first sample.
    entry_rel : (n_entries, LANES) int32
        As `receive_rel`.  With four windows, `LANES` samples more in the second and the last.
        ρ of both tables together must be less than 31 samples with one window and than 15 with
        four (not counting those more): lanes beyond it read another sample of the window.
    entry_weight : (n_entries, n_planes, LANES) float32
        w, the transmit's apodization; times the transmit path's phasor for IQ.  Where it is 0 the
        transmit is skipped.
    factor : (n_lines, n_ranges) float32
        f, by which a point's sum is multiplied; where it is 0 the point is 0.
    start, stop : int64
        Range of lines, 0 ≤ start ≤ stop ≤ n_lines.
    out : (n_lines, n_ranges, n_planes) float32
        Beamformed data.  Lines [start, stop) are overwritten, the rest untouched.

    Notes
    -----
    All arrays are C-contiguous.  Samples outside the record contribute nothing and a record of no
    sample gives zeros.  No value of any array causes a read outside `data` or the tables: entries,
    rows, elements and transmits that do not exist are left out.  Not checked: shapes, n_planes 1
    or 2, n_windows 1 or 4, start and stop.  A NaN or infinity in the data spreads to the points of
    the runs that read it.
    """
    n_transmits, n_elements, n_planes, n_samples = data.shape
    n_runs, n_rows, n_starts = receive_base.shape
    n_ranges = out.shape[1]
    n_entries = entry_transmit.size
    flat = data.reshape(data.size)
    base = receive_base.reshape(receive_base.size)
    rel = receive_rel.reshape(receive_rel.size)
    apodization = receive_apodization.reshape(receive_apodization.size)
    flat_base = entry_base.reshape(entry_base.size)
    flat_rel = entry_rel.reshape(entry_rel.size)
    record = n_planes * n_samples
    window = 2 * LANES if n_starts == 1 else LANES
    per_entry = n_planes * LANES
    sums = np.empty(LINES * GROUP * per_entry, np.float32)
    result = np.empty((LINES, n_planes, LANES), np.float32)
    origin = np.empty(LINES * GROUP * QUARTERS, np.int64)
    begins, ends = np.empty(LINES, np.int64), np.empty(LINES, np.int64)
    firsts, lasts = np.empty(LINES, np.int64), np.empty(LINES, np.int64)
    nearest, farthest = np.empty(LINES, np.int64), np.empty(LINES, np.int64)
    for line0 in range(start, stop, LINES):
        block = min(LINES, stop - line0)
        for run in range(n_runs):
            first_of_run = run * n_rows
            low, high = _extremes(base, first_of_run * n_starts, (first_of_run + n_rows) * n_starts)
            most = np.int64(0)
            for b in range(block):
                line = line0 + b
                row = first_row[line]
                begins[b] = max(0, -row, open_elements[line, run, 0])
                ends[b] = min(n_elements, n_rows - row, open_elements[line, run, 1])
                # Both within the entries, so that no sum of one with an offset overflows.
                firsts[b] = min(max(0, first_entry[line * n_runs + run]), n_entries)
                lasts[b] = min(max(0, first_entry[line * n_runs + run + 1]), n_entries)
                if ends[b] > begins[b]:
                    most = max(most, lasts[b] - firsts[b])
                result[b] = 0
            for offset in range(0, most, GROUP):
                for b in range(block):
                    nearest[b], farthest[b] = np.int64(_FARTHEST), np.int64(-_FARTHEST)
                    first = firsts[b] + offset
                    for k in range(min(GROUP, lasts[b] - first)):
                        i = first + k
                        t = np.int64(entry_transmit[i])
                        near, far = _extremes(flat_base, i * n_starts, (i + 1) * n_starts)
                        nearest[b], farthest[b] = min(nearest[b], near), max(farthest[b], far)
                        if not 0 <= t < n_transmits:
                            nearest[b] = -_FAR_AWAY  # no group is inside any record
                        for n in range(n_starts):
                            origin[(b * GROUP + k) * n_starts + n] = (
                                t * n_elements * record + flat_base[i * n_starts + n]
                            )
                sums[: block * GROUP * per_entry] = 0
                for chunk in range(0, n_elements, CHUNK):
                    for b in range(block):
                        first = firsts[b] + offset
                        n_group = min(GROUP, lasts[b] - first)
                        begin, end = max(chunk, begins[b]), min(chunk + CHUNK, ends[b])
                        if n_group <= 0 or begin >= end:
                            continue
                        row = first_of_run + first_row[line0 + b]
                        least, greatest = low, high
                        if low + nearest[b] < 0 or high + farthest[b] + window > n_samples:
                            least, greatest = _extremes(
                                base, (row + begin) * n_starts, (row + end) * n_starts
                            )
                        if least + nearest[b] >= 0 and greatest + farthest[b] + window <= n_samples:
                            _add_group(
                                flat, origin, b * GROUP * n_starts, record, n_samples, base, rel,
                                apodization, row, begin, end, flat_rel, first, n_group, n_starts,
                                n_planes, sums, b * GROUP * per_entry,
                            )  # fmt: skip
                            continue
                        for k in range(n_group):
                            i = first + k
                            t = np.int64(entry_transmit[i])
                            near, far = _extremes(flat_base, i * n_starts, (i + 1) * n_starts)
                            near, far = least + near, greatest + far + window
                            if not 0 <= t < n_transmits or far <= 0 or near >= n_samples:
                                continue
                            at = (b * GROUP + k) * per_entry
                            if near >= 0 and far <= n_samples:
                                _add_group(
                                    flat, origin, (b * GROUP + k) * n_starts, record, n_samples,
                                    base, rel, apodization, row, begin, end, flat_rel, i, 1,
                                    n_starts, n_planes, sums, at,
                                )  # fmt: skip
                                continue
                            _add_lane_by_lane(
                                flat, record, n_samples, base, rel, apodization, row, begin, end,
                                t * n_elements * record, flat_base, flat_rel, i, n_starts,
                                n_planes, sums, at,
                            )  # fmt: skip
                for b in range(block):
                    first = firsts[b] + offset
                    for k in range(min(GROUP, lasts[b] - first)):
                        i = first + k
                        at = (b * GROUP + k) * per_entry
                        for m in range(LANES):
                            real = entry_weight[i, 0, m]
                            x = sums[at + m]
                            if n_planes == 1:
                                result[b, 0, m] += real * x if real != np.float32(0) else 0
                                continue
                            imag = entry_weight[i, 1, m]
                            y = sums[at + LANES + m]
                            if real != np.float32(0) or imag != np.float32(0):
                                result[b, 0, m] += real * x - imag * y
                                result[b, 1, m] += real * y + imag * x
            first_range = run * LANES
            n = min(LANES, n_ranges - first_range)
            for b in range(block):
                for m in range(n):
                    f = factor[line0 + b, first_range + m]
                    for plane in range(n_planes):
                        x = result[b, plane, m] * f if f != np.float32(0) else np.float32(0)
                        out[line0 + b, first_range + m, plane] = x
