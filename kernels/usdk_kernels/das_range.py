r"""Delay-and-sum along scan lines: any array, any transmit, any straight line of points.

The sum is that of `usdk_kernels.das` with linear interpolation,

.. math::
    y(p) = \sum_t w_t(p) \sum_e a_e(p)\, x_{t,e}(\tau), \qquad
    \tau = \tau^{tx}_t(p) + |p - q_e| / c,

for points p = o + r u on lines with origin o and direction u, at ranges r that all lines share.

**Why it is faster.** `LANES` consecutive ranges of a line are a run.  Along a run the sample
position of one element and transmit moves by a few dozen samples, so that all samples that the run
reads lie in one short window of the record.  The window is loaded whole, as contiguous vectors,
and each lane picks its two samples inside the registers (on AVX-512: a permutation of 32 samples,
one instruction); nothing is gathered from memory.  The geometry of a run (distance, aperture,
window, directivity, receive phasor) is computed once and reused for all transmits.

**Exactness.** The sum is linear interpolation at the very delay, but for the rounding of positions.
The distance d of a run's centre from an element is a float64; the rest of the lanes' distances,
(2 g x + x²) / (d + d(x)) with g the projection of the centre on u and x the way from it, is a
float32 of a few dozen samples, good to about 1e-5 sample.  An element on the very rim of an
aperture may count for one kernel and not for the other, and weights of a window are good to about
1e-6 F²: lateral distances come from the difference of two squares.

**Order of the work.** Runs outer, lines inner.  `LINES` neighbouring lines are summed together:
the samples that they read of a chunk of `CHUNK` elements overlap and stay in the first-level cache,
and so does the chunk's geometry for all transmits.  Runs begin at multiples of `LANES`, whatever
the tile, and each point's result depends on its run alone: tiles may be cut at any item without
changing a bit of it.

Elsewhere than on AVX-512 the lanes' samples are loaded one by one, and the rest is the same.

**Where it is slow.** Runs whose receive paths span more than `WINDOW` samples (a range step above
some thirty samples), or that reach beyond a record, are read point by point.  Where the arrival
times of a transmit span more (as where a focused wave's sphere turns over), several windows are.

References
----------
V. Perrot, M. Polichetti, F. Varray, D. Garcia, "So you think you can DAS? A viewpoint on
delay-and-sum beamforming", Ultrasonics 111 (2021) 106309: delays, F-number, I/Q phase rotation.
A. R. Selfridge, G. S. Kino, B. T. Khuri-Yakub, "A theory for the radiation pattern of a
narrow-strip acoustic transducer", Appl. Phys. Lett. 37 (1980) 35-36: equation 3 (directivity).
"""

from __future__ import annotations

import math
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
CHUNK = 32
"""Elements whose geometry is kept for all transmits."""
WINDOW = 256
"""Samples that a run may span, both samples of its last lane included."""
LINES = 4
"""Lines that share the samples of a chunk."""

_ALIGNMENT = 64  # bytes of a vector of lanes
_PLACES = 32  # binary places of a fixed-point sample position
_ONE = 2.0**_PLACES
_FINE = 23  # binary places of a position inside a window: 8 + 23 bits and no sign
_FINE_ONE = 2.0**_FINE
_FARTHEST = 2.0**28  # samples; positions beyond it are taken for `_NOWHERE`
_NOWHERE = np.int64(-(2**62))
_FACE = (
    1e-4  # samples; a point nearer to the plane of an element's face lies on it, by its rounding
)
# Samples added to the extent of a run's receive paths, which are rounded.
_MARGIN = 0.0625

# Columns of the table of a run's elements: distance of the run's centre, projections of the way to
# it on the line, the normal, the width and the height, their slopes along the line, and the phase
# of the base path in turns.
_DISTANCE, _PROJECTION, _AXIAL, _SLOPE = 0, 1, 2, 3
_WIDTH, _WIDTH_SLOPE, _HEIGHT, _HEIGHT_SLOPE = 4, 5, 6, 7
_TURNS = 8
_N_COLUMNS = 9

# What is to be computed of an element's aperture along a run.
_OPEN, _MASKED, _WINDOWED, _DIRECTIVE = 0, 1, 2, 3

# Columns of the scalars of a call that the receive tables need.
_EDGE, _FLAT, _PER_TAPER, _A0, _A1, _A2, _RATIO, _W, _H, _BELOW = range(10)
_N_SCALARS = 10


# ---------------------------------------------------------------- vectors
# What a run does with its lanes is written once, against the operations of `_Numpy`.  `_Code` has
# the same operations and emits them as vector instructions, because a compiler does not find the
# permutation by itself.


class _Numpy:
    """Lanes as numpy arrays: the interpreted kernel."""

    @staticmethod
    def number(value: Any) -> Any:
        return np.float32(value)

    @staticmethod
    def floats(array: Any, index: Any) -> Any:
        return array[index : index + LANES]

    integers = floats

    @staticmethod
    def put(array: Any, index: Any, value: Any) -> None:
        array[index : index + LANES] = value

    @staticmethod
    def fma(a: Any, b: Any, c: Any) -> Any:
        return a * b + c

    @staticmethod
    def sqrt(a: Any) -> Any:
        return np.sqrt(a)

    @staticmethod
    def floor(a: Any) -> Any:
        return np.floor(a)

    @staticmethod
    def where(condition: Any, a: Any, b: Any) -> Any:
        return np.where(condition, a, b)

    @staticmethod
    def to_float(a: Any) -> Any:
        return a.astype(np.float32)

    @staticmethod
    def to_int(a: Any) -> Any:
        return a.astype(np.int32)

    @staticmethod
    def pairs(flat: Any, first: Any, j: Any, windows: int) -> tuple[Any, Any]:
        return flat[first + j], flat[first + j + 1]


class _Value:
    """A vector of lanes in generated code, with Python's operators."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def _with(self, other: Any) -> Any:
        if isinstance(other, _Value):
            return other.value
        return ir.Constant(self.value.type, [other] * LANES)

    def _is_float(self) -> bool:
        return bool(self.value.type == _FLOATS)

    def _do(self, name: str, a: Any, b: Any) -> _Value:
        return _Value(self.builder, getattr(self.builder, name)(a, b))

    def __add__(self, other: Any) -> _Value:
        return self._do("fadd" if self._is_float() else "add", self.value, self._with(other))

    def __sub__(self, other: Any) -> _Value:
        return self._do("fsub" if self._is_float() else "sub", self.value, self._with(other))

    def __mul__(self, other: Any) -> _Value:
        return self._do("fmul" if self._is_float() else "mul", self.value, self._with(other))

    def __truediv__(self, other: Any) -> _Value:
        return self._do("fdiv", self.value, self._with(other))

    def __and__(self, other: Any) -> _Value:
        return self._do("and_", self.value, self._with(other))

    def __rshift__(self, other: Any) -> _Value:
        return self._do("lshr", self.value, self._with(other))

    def __neg__(self) -> _Value:
        return _Value(self.builder, self.builder.fneg(self.value))

    def _compare(self, sign: str, other: Any) -> _Value:
        compare = self.builder.fcmp_ordered if self._is_float() else self.builder.icmp_signed
        return _Value(self.builder, compare(sign, self.value, self._with(other)))

    def __lt__(self, other: Any) -> _Value:
        return self._compare("<", other)

    def __le__(self, other: Any) -> _Value:
        return self._compare("<=", other)

    def __gt__(self, other: Any) -> _Value:
        return self._compare(">", other)


_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INTEGERS = ir.VectorType(ir.IntType(32), LANES)
_LONG = ir.IntType(64)


class _Code:
    """Lanes as vectors of the code being generated."""

    def __init__(self, builder: Any, has_permutation: bool) -> None:
        self.builder, self.has_permutation = builder, has_permutation

    def _call(self, name: str, result: Any, *arguments: Any) -> Any:
        types_ = [argument.type for argument in arguments]
        function = cgutils.get_or_insert_function(
            self.builder.module, ir.FunctionType(result, types_), name
        )
        return self.builder.call(function, arguments)

    def number(self, value: Any) -> _Value:
        """Lanes that all hold one float, known now or when the code runs."""
        if not isinstance(value, ir.Value):
            return _Value(self.builder, ir.Constant(_FLOATS, [value] * LANES))
        return self.spread(value, _FLOATS)

    def spread(self, value: Any, kind: Any) -> _Value:
        empty = ir.Constant(kind, ir.Undefined)
        one = self.builder.insert_element(empty, value, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(_INTEGERS, [0] * LANES)
        return _Value(self.builder, self.builder.shuffle_vector(one, empty, zeros))

    def _load(self, pointer: Any, index: Any, kind: Any) -> _Value:
        place = self.builder.bitcast(self.builder.gep(pointer, [index]), kind.as_pointer())
        return _Value(self.builder, self.builder.load(place, align=4))

    def floats(self, pointer: Any, index: Any) -> _Value:
        return self._load(pointer, index, _FLOATS)

    def integers(self, pointer: Any, index: Any) -> _Value:
        return self._load(pointer, index, _INTEGERS)

    def put(self, pointer: Any, index: Any, value: _Value) -> None:
        place = self.builder.gep(pointer, [index])
        place = self.builder.bitcast(place, value.value.type.as_pointer())
        self.builder.store(value.value, place, align=4)

    def fma(self, a: _Value, b: _Value, c: _Value) -> _Value:
        call = self._call(f"llvm.fmuladd.v{LANES}f32", _FLOATS, a.value, b.value, c.value)
        return _Value(self.builder, call)

    def sqrt(self, a: _Value) -> _Value:
        return _Value(self.builder, self._call(f"llvm.sqrt.v{LANES}f32", _FLOATS, a.value))

    def floor(self, a: _Value) -> _Value:
        return _Value(self.builder, self._call(f"llvm.floor.v{LANES}f32", _FLOATS, a.value))

    def where(self, condition: _Value, a: _Value, b: _Value) -> _Value:
        return _Value(self.builder, self.builder.select(condition.value, a.value, b.value))

    def to_float(self, a: _Value) -> _Value:
        return _Value(self.builder, self.builder.sitofp(a.value, _FLOATS))

    def to_int(self, a: _Value) -> _Value:
        return _Value(self.builder, self.builder.fptosi(a.value, _INTEGERS))

    def pairs(self, flat: Any, first: Any, j: _Value, windows: int) -> tuple[_Value, _Value]:
        """Pick the samples first + j and first + j + 1 of every lane out of 2 windows vectors."""
        if not self.has_permutation:
            return self._lane_by_lane(flat, first, j), self._lane_by_lane(flat, first, j + 1)
        rows = [
            self.floats(flat, self.builder.add(first, ir.Constant(_LONG, LANES * row))).value
            for row in range(2 * windows)
        ]
        found: list[Any] = []
        for index in (j, j + 1):
            value: Any = None
            for window in range(windows):
                # The permutation looks at the low five bits of the index.
                picked = self._call(
                    "llvm.x86.avx512.vpermi2var.ps.512", _FLOATS,
                    rows[2 * window], index.value, rows[2 * window + 1],
                )  # fmt: skip
                picked = _Value(self.builder, picked)
                here = index < 2 * LANES * window
                value = picked if value is None else self.where(here, value, picked)
            found.append(value)
        return found[0], found[1]

    def _lane_by_lane(self, flat: Any, first: Any, j: _Value) -> _Value:
        result = ir.Constant(_FLOATS, ir.Undefined)
        for lane in range(LANES):
            place = ir.Constant(ir.IntType(32), lane)
            index = self.builder.zext(self.builder.extract_element(j.value, place), _LONG)
            sample = self.builder.load(self.builder.gep(flat, [self.builder.add(first, index)]))
            result = self.builder.insert_element(result, sample, place)
        return _Value(self.builder, result)


# ---------------------------------------------------------------- what a run does with its lanes


def _receive_lanes(o: Any, x: Any, column: Any, scalar: Any, aperture: int) -> tuple[Any, Any]:
    """Receive path − base in samples, and apodization, of one element at a run's lanes.

    x is the way from the run's centre in samples.
    """
    distance = column(_DISTANCE)
    square = x * o.fma(o.number(2.0), column(_PROJECTION), x)  # |p − q|² − distance²
    square2 = o.fma(distance, distance, square)
    root = o.sqrt(o.where(square2 > 0.0, square2, o.number(0.0)))
    path = square / (root + distance + o.number(1e-30)) + scalar(_BELOW)
    path = o.where(path > 0.0, path, o.number(0.0))
    if aperture == _OPEN:
        return path, o.number(1.0)
    axial = o.fma(x, column(_SLOPE), column(_AXIAL))
    axial2 = axial * axial
    edge2 = (square2 - axial2) * scalar(_EDGE)
    edge2 = o.where(edge2 > 0.0, edge2, o.number(0.0))
    weight = o.number(1.0)
    if aperture >= _WINDOWED:
        v = (o.sqrt(edge2 / axial2) - scalar(_FLAT)) * scalar(_PER_TAPER)
        v = o.where(v > 0.0, v, o.number(0.0))
        v = o.where(v < 1.0, v, o.number(1.0))
        cosine = -_sine(o, (v - o.number(0.5)) * o.number(math.pi))
        twice = o.fma(o.number(2.0) * cosine, cosine, o.number(-1.0))
        weight = o.fma(cosine, scalar(_A1), o.fma(twice, scalar(_A2), scalar(_A0)))
        weight = o.where(weight > 0.0, weight, o.number(0.0))
    if aperture == _DIRECTIVE:
        per_distance = o.number(1.0) / o.where(root > 1e-6, root, o.number(1e-6))
        across = o.fma(x, column(_WIDTH_SLOPE), column(_WIDTH)) * per_distance
        up = o.fma(x, column(_HEIGHT_SLOPE), column(_HEIGHT)) * per_distance
        weight = weight * axial * per_distance
        weight = weight * _sinc(o, across * scalar(_W)) * _sinc(o, up * scalar(_H))
    weight = o.where(edge2 <= axial2, weight, o.number(0.0))
    return path, o.where(axial > _FACE, weight, o.number(0.0))


def _sine(o: Any, x: Any) -> Any:
    """Sine of |x| ≤ π/2, a Taylor polynomial whose error is below 6e-8."""
    x2 = x * x
    value = o.fma(x2, o.number(-1 / 39916800), o.number(1 / 362880))
    value = o.fma(x2, value, o.number(-1 / 5040))
    value = o.fma(x2, value, o.number(1 / 120))
    value = o.fma(x2, value, o.number(-1 / 6))
    return o.fma(x * x2, value, x)


def _sinc(o: Any, x: Any) -> Any:
    """sin(πx)/(πx): the sine of the rest of x to the nearest integer, and its sign."""
    nearest = o.floor(x + o.number(0.5))
    odd = nearest - o.number(2.0) * o.floor(nearest * o.number(0.5))
    sine = _sine(o, (x - nearest) * o.number(math.pi)) * (o.number(1.0) - o.number(2.0) * odd)
    size = x * x
    safe = o.where(size > 1e-12, x, o.number(1.0))
    return o.where(size > 1e-12, sine / (safe * o.number(math.pi)), o.number(1.0))


# Chebyshev interpolation of cos(2πr) and sin(2πr)/r in r², |r| ≤ 1/2.
_COSINE = (
    1.0, -19.73920440673828, 64.93911743164062, -85.45011138916016, 60.16743087768555,
    -25.96688461303711, 6.527706146240234,
)  # fmt: skip
_SINE = (
    6.2831854820251465, -41.34170150756836, 81.60513305664062, -76.7030029296875,
    42.02585220336914, -14.899578094482422, 3.2377800941467285,
)  # fmt: skip


def _polynomial(o: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    value = o.number(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = o.fma(x, value, o.number(coefficient))
    return value


def _phasor_lanes(o: Any, turns: Any) -> tuple[Any, Any]:
    """Cosine and sine of 2π turns; error below 5e-7 of the rounded turns."""
    rest = turns - o.floor(turns + o.number(0.5))
    square = rest * rest
    return _polynomial(o, square, _COSINE), rest * _polynomial(o, square, _SINE)


def _tabulate(
    o: Any, x: Any, column: Any, scalar: Any, rel: Any, apodization: Any, total: Any,
    at: Any, at2: Any, aperture: int, n_planes: int,
) -> Any:  # fmt: skip
    """Write one element's row of the run's tables; returns the sum of the apodization so far."""
    path, weight = _receive_lanes(o, x, column, scalar, aperture)
    # Beyond the window nothing is read by these positions, but they must be numbers.
    inside = o.where(path < WINDOW - 0.0625, path, o.number(WINDOW - 0.0625))
    o.put(rel, at, o.to_int(inside * o.number(_FINE_ONE)))
    if n_planes == 1:
        o.put(apodization, at, weight)
        return total + weight
    cosine, sine = _phasor_lanes(o, o.fma(path, scalar(_RATIO), column(_TURNS)))
    o.put(apodization, at2[0], weight * cosine)
    o.put(apodization, at2[1], weight * sine)
    return total + weight


def _read(
    o: Any, flat: Any, first: Any, position: Any, apodization: Any, at: Any, sums: Any,
    windows: int,
) -> list[Any]:  # fmt: skip
    """Add one element of one transmit to a run's sums, one plane or two."""
    j = position >> _FINE
    w = o.to_float(position & (2**_FINE - 1)) * o.number(1 / _FINE_ONE)
    values = []
    for start in first:
        a, b = o.pairs(flat, start, j, windows)
        values.append(o.fma(w, b - a, a))
    if len(first) == 1:
        return [o.fma(o.floats(apodization, at[0]), values[0], sums[0])]
    real, imag = o.floats(apodization, at[0]), o.floats(apodization, at[1])
    x, y = values
    return [
        o.fma(-imag, y, o.fma(real, x, sums[0])),
        o.fma(imag, x, o.fma(real, y, sums[1])),
    ]


# ---------------------------------------------------------------- loops over elements


def _receive_tables(
    x: Any, table: Any, scalars: Any, n_elements: Any, line: Any, begin: Any, end: Any,
    aperture: Any, n_planes: Any, rel: Any, apodization: Any, total: Any,
) -> None:  # fmt: skip
    """Tabulate the receive paths and the apodization of the elements [begin, end) at one run.

    `table`, `rel`, `apodization` and `total` are flat, one part for each line of the block.
    """
    for e in range(begin, end):
        row = (line * CHUNK + e - begin) * LANES
        first = line * _N_COLUMNS * n_elements + e
        sums = total[line * LANES : (line + 1) * LANES]
        sums[:] = _tabulate(
            _Numpy, x, lambda c, first=first: table[first + c * n_elements], scalars.__getitem__,
            rel, apodization, sums, row, (2 * row, 2 * row + LANES), aperture, n_planes,
        )  # fmt: skip


def _add_transmit(
    flat: Any, origin: Any, n_samples: Any, base: Any, n_elements: Any, line: Any, begin: Any,
    end: Any, transmit: Any, transmit_rel: Any, at: Any, rel: Any, apodization: Any,
    windows: Any, n_planes: Any, sums: Any,
) -> None:  # fmt: skip
    """Add the elements [begin, end) of one transmit to the sums of a run.

    `base`, `rel` and `apodization` are flat, one part for each line of the block; `transmit_rel`
    and `sums` are flat, a part for each line and transmit, of which this is number `at`.
    """
    for e in range(begin, end):
        position = int(base[line * n_elements + e]) + int(transmit)
        start = int(origin) + e * n_planes * n_samples + (position >> _PLACES)
        fine = np.int32((position & (2**_PLACES - 1)) >> (_PLACES - _FINE))
        row = (line * CHUNK + e - begin) * LANES
        lanes = rel[row : row + LANES] + transmit_rel[at * LANES : (at + 1) * LANES] + fine
        places = [row] if n_planes == 1 else [2 * row, 2 * row + LANES]
        first = [start + plane * n_samples for plane in range(n_planes)]
        out = sums[at * n_planes * LANES : (at + 1) * n_planes * LANES].reshape(n_planes, LANES)
        out[:] = _read(_Numpy, flat, first, lanes, apodization, places, list(out), windows)


def _fetch(array: Any, index: Any) -> None:
    """Have the processor bring an item of a flat array near, while it works on something else."""


def _whole(value: int) -> Any:
    return ir.Constant(_LONG, value)


def _code(context: Any, builder: Any) -> _Code:
    features = context.codegen().magic_tuple()[2]
    return _Code(builder, "+avx512f" in features.split(","))


def _pointers(context: Any, builder: Any, signature: Any, arguments: Any) -> list[Any]:
    """Return the arguments, arrays as pointers to their first item."""
    return [
        context.make_array(kind)(context, builder, value).data
        if isinstance(kind, types.Array)
        else value
        for kind, value in zip(signature.args, arguments, strict=True)
    ]


@contextmanager
def _where_equal(builder: Any, *pairs: tuple[Any, int]) -> Any:
    """Emit code that runs where every integer has its wanted value."""
    condition = ir.Constant(ir.IntType(1), 1)
    for value, wanted in pairs:
        equal = builder.icmp_signed("==", value, ir.Constant(value.type, wanted))
        condition = builder.and_(condition, equal)
    with builder.if_then(condition):
        yield


@intrinsic  # type: ignore[untyped-decorator]
def _receive_tables_code(
    typing: Any, x: Any, table: Any, scalars: Any, n_elements: Any, line: Any, begin: Any,
    end: Any, aperture: Any, n_planes: Any, rel: Any, apodization: Any, total: Any,
) -> Any:  # fmt: skip
    signature = types.void(
        x, table, scalars, n_elements, line, begin, end, aperture, n_planes, rel, apodization,
        total,
    )  # fmt: skip

    def generate(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        (
            x, table, scalars, n_elements, line, begin, end, aperture, n_planes, rel,
            apodization, total,
        ) = _pointers(context, b, signature, arguments)  # fmt: skip
        o = _code(context, b)
        lanes = o.floats(x, _whole(0))
        values = [o.number(b.load(b.gep(scalars, [_whole(n)]))) for n in range(_N_SCALARS)]
        here = b.mul(line, _whole(LANES))
        part = b.mul(line, b.mul(n_elements, _whole(_N_COLUMNS)))
        running = cgutils.alloca_once(b, _FLOATS)
        b.store(o.floats(total, here).value, running)
        for kind in (_OPEN, _MASKED, _WINDOWED, _DIRECTIVE):
            for planes in (1, 2):
                with (
                    _where_equal(b, (aperture, kind), (n_planes, planes)),
                    cgutils.for_range(b, b.sub(end, begin), intp=_LONG) as loop,
                ):
                    first = b.add(part, b.add(begin, loop.index))

                    def column(c: int, first: Any = first) -> _Value:
                        place = b.add(b.mul(n_elements, _whole(c)), first)
                        return o.number(b.load(b.gep(table, [place])))

                    row = b.add(b.mul(line, _whole(CHUNK)), loop.index)
                    row2 = b.mul(row, _whole(2 * LANES))
                    after = _tabulate(
                        o, lanes, column, values.__getitem__, rel, apodization,
                        _Value(b, b.load(running)), b.mul(row, _whole(LANES)),
                        (row2, b.add(row2, _whole(LANES))), kind, planes,
                    )  # fmt: skip
                    b.store(after.value, running)
        o.put(total, here, _Value(b, b.load(running)))
        return context.get_dummy_value()

    return signature, generate


@intrinsic  # type: ignore[untyped-decorator]
def _add_transmit_code(
    typing: Any, flat: Any, origin: Any, n_samples: Any, base: Any, n_elements: Any, line: Any,
    begin: Any, end: Any, transmit: Any, transmit_rel: Any, at: Any, rel: Any,
    apodization: Any, windows: Any, n_planes: Any, sums: Any,
) -> Any:  # fmt: skip
    signature = types.void(
        flat, origin, n_samples, base, n_elements, line, begin, end, transmit, transmit_rel, at,
        rel, apodization, windows, n_planes, sums,
    )  # fmt: skip

    def generate(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        (
            flat, origin, n_samples, base, n_elements, line, begin, end, transmit, transmit_rel,
            at, rel, apodization, windows, n_planes, sums,
        ) = _pointers(context, b, signature, arguments)  # fmt: skip
        o = _code(context, b)
        delay = o.integers(transmit_rel, b.mul(at, _whole(LANES)))
        for wide in range(1, WINDOW // (2 * LANES) + 1):
            for planes in (1, 2):
                with _where_equal(b, (windows, wide), (n_planes, planes)):
                    # All that does not change is added up before the loop.
                    record = b.mul(n_samples, _whole(planes))
                    samples = b.gep(flat, [b.add(origin, b.mul(begin, record))])
                    bases = b.gep(base, [b.add(b.mul(line, n_elements), begin)])
                    row = b.mul(line, _whole(CHUNK * LANES))
                    delays = b.gep(rel, [row])
                    weights = b.gep(apodization, [b.mul(row, _whole(planes))])
                    result = b.gep(sums, [b.mul(at, _whole(planes * LANES))])
                    spots = [_whole(plane * LANES) for plane in range(planes)]
                    running = [cgutils.alloca_once(b, _FLOATS) for _ in spots]
                    for spot, sum_ in zip(spots, running, strict=True):
                        b.store(o.floats(result, spot).value, sum_)
                    with cgutils.for_range(b, b.sub(end, begin), intp=_LONG) as loop:
                        position = b.add(b.load(b.gep(bases, [loop.index])), transmit)
                        start = b.ashr(position, _whole(_PLACES))
                        start = b.add(start, b.mul(loop.index, record))
                        fine = b.and_(position, _whole(2**_PLACES - 1))
                        fine = b.trunc(b.lshr(fine, _whole(_PLACES - _FINE)), ir.IntType(32))
                        place = b.mul(loop.index, _whole(LANES))
                        lanes = o.integers(delays, place) + delay
                        lanes += o.spread(fine, _INTEGERS)
                        place = b.mul(place, _whole(planes))
                        after = _read(
                            o, samples, [start, b.add(start, n_samples)][:planes], lanes, weights,
                            [b.add(place, spot) for spot in spots],
                            [_Value(b, b.load(sum_)) for sum_ in running], wide,
                        )  # fmt: skip
                        for value, sum_ in zip(after, running, strict=True):
                            b.store(value.value, sum_)
                    for spot, sum_ in zip(spots, running, strict=True):
                        o.put(result, spot, _Value(b, b.load(sum_)))
        return context.get_dummy_value()

    return signature, generate


@intrinsic  # type: ignore[untyped-decorator]
def _fetch_code(typing: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        array, index = _pointers(context, b, signature, arguments)
        byte = ir.IntType(8).as_pointer()
        place = b.bitcast(b.gep(array, [index]), byte)
        number = ir.IntType(32)
        function = cgutils.get_or_insert_function(
            b.module,
            ir.FunctionType(ir.VoidType(), [byte, number, number, number]),
            "llvm.prefetch.p0",
        )
        # To read, in every cache, data.
        b.call(function, [place, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, index), generate


@overload(_fetch)  # type: ignore[untyped-decorator]
def _fetch_compiled(array: Any, index: Any) -> Any:
    def compiled(array: Any, index: Any) -> None:
        _fetch_code(array, np.int64(index))

    return compiled


@overload(_receive_tables)  # type: ignore[untyped-decorator]
def _receive_tables_compiled(
    x: Any, table: Any, scalars: Any, n_elements: Any, line: Any, begin: Any, end: Any,
    aperture: Any, n_planes: Any, rel: Any, apodization: Any, total: Any,
) -> Any:  # fmt: skip
    def compiled(
        x: Any, table: Any, scalars: Any, n_elements: Any, line: Any, begin: Any, end: Any,
        aperture: Any, n_planes: Any, rel: Any, apodization: Any, total: Any,
    ) -> None:  # fmt: skip
        _receive_tables_code(
            x, table, scalars, np.int64(n_elements), np.int64(line), np.int64(begin),
            np.int64(end), np.int64(aperture), np.int64(n_planes), rel, apodization, total,
        )  # fmt: skip

    return compiled


@overload(_add_transmit)  # type: ignore[untyped-decorator]
def _add_transmit_compiled(
    flat: Any, origin: Any, n_samples: Any, base: Any, n_elements: Any, line: Any, begin: Any,
    end: Any, transmit: Any, transmit_rel: Any, at: Any, rel: Any, apodization: Any,
    windows: Any, n_planes: Any, sums: Any,
) -> Any:  # fmt: skip
    def compiled(
        flat: Any, origin: Any, n_samples: Any, base: Any, n_elements: Any, line: Any,
        begin: Any, end: Any, transmit: Any, transmit_rel: Any, at: Any, rel: Any,
        apodization: Any, windows: Any, n_planes: Any, sums: Any,
    ) -> None:  # fmt: skip
        _add_transmit_code(
            flat, np.int64(origin), np.int64(n_samples), base, np.int64(n_elements),
            np.int64(line), np.int64(begin), np.int64(end), np.int64(transmit), transmit_rel,
            np.int64(at), rel, apodization, np.int64(windows), np.int64(n_planes), sums,
        )  # fmt: skip

    return compiled


# ---------------------------------------------------------------- geometry and transmits of a run


@kernel
def _fixed(position: float) -> np.int64:
    """Fixed-point sample position; `_NOWHERE` if it is NaN or far outside any record."""
    if not (-_FARTHEST < position < _FARTHEST):
        return _NOWHERE
    return np.int64(math.floor(position * _ONE))


# noalias, in the three functions from here: 0.97 of the time.
@kernel(noalias=True)
def _measure(
    x: float,
    y: float,
    z: float,
    directions: npt.NDArray[np.float64],
    line: int,
    positions: npt.NDArray[np.float64],
    normals: npt.NDArray[np.float64],
    axes: npt.NDArray[np.float64],
    is_directive: int,
    b: int,
    distance: npt.NDArray[np.float64],
    table: npt.NDArray[np.float32],
) -> None:
    """Distance, projections and their slopes of every element at a run's centre, in samples."""
    ux, uy, uz = directions[line, 0], directions[line, 1], directions[line, 2]
    for e in range(distance.size):
        dx = x - positions[0, e]
        dy = y - positions[1, e]
        dz = z - positions[2, e]
        distance[e] = math.sqrt(dx * dx + dy * dy + dz * dz)
        table[b, _DISTANCE, e] = np.float32(distance[e])
        table[b, _PROJECTION, e] = np.float32(dx * ux + dy * uy + dz * uz)
        nx, ny, nz = normals[0, e], normals[1, e], normals[2, e]
        table[b, _AXIAL, e] = np.float32(dx * nx + dy * ny + dz * nz)
        table[b, _SLOPE, e] = np.float32(ux * nx + uy * ny + uz * nz)
    for e in range(distance.size if is_directive else 0):
        dx = x - positions[0, e]
        dy = y - positions[1, e]
        dz = z - positions[2, e]
        ax, ay, az = axes[0, e], axes[1, e], axes[2, e]
        bx, by, bz = axes[3, e], axes[4, e], axes[5, e]
        table[b, _WIDTH, e] = np.float32(dx * ax + dy * ay + dz * az)
        table[b, _WIDTH_SLOPE, e] = np.float32(ux * ax + uy * ay + uz * az)
        table[b, _HEIGHT, e] = np.float32(dx * bx + dy * by + dz * bz)
        table[b, _HEIGHT_SLOPE, e] = np.float32(ux * bx + uy * by + uz * bz)


# noalias: see `_measure`.
@kernel(noalias=True)
def _extents(
    half: np.float32,
    below: np.float32,
    edge: np.float32,
    distance: npt.NDArray[np.float64],
    turns_per_sample: float,
    b: int,
    table: npt.NDArray[np.float32],
    base: npt.NDArray[np.int64],
    flags: npt.NDArray[np.int32],
) -> None:
    """Where every element's paths along a run of 2 half samples begin, and the element's flags.

    Flags: 1 no point of the run can be in the element's aperture, 2 not all points need be.
    """
    zero = np.float32(0)
    two = np.float32(2)
    both = np.float32(1) + edge
    everywhere = edge == zero
    face = np.float32(_FACE)
    for e in range(np.uint64(distance.size)):
        is_near = distance[e] < _FARTHEST
        least = distance[e] - np.float64(below) if is_near else 0.0
        base[b, e] = np.int64(least * _ONE) if is_near else _NOWHERE
        turns = least * turns_per_sample
        table[b, _TURNS, e] = np.float32(turns - math.floor(turns + 0.5))
        # The aperture: axial > 0 and (1 + edge) axial² ≥ edge d², a quadratic along the run.
        d = table[b, _DISTANCE, e]
        g = table[b, _PROJECTION, e]
        d2 = d * d
        slope = table[b, _SLOPE, e] * half
        last = table[b, _AXIAL, e] + slope
        first = table[b, _AXIAL, e] - slope
        bend = abs(both * slope * slope - edge * half * half)
        slack = bend + np.float32(1e-5) * both * (d2 + half * half)
        at_last = both * last * last - edge * (d2 + half * (two * g + half))
        at_first = both * first * first - edge * (d2 - half * (two * g - half))
        is_open = ((at_last + slack >= zero) | (at_first + slack >= zero)) & (
            (last > zero) | (first > zero)
        )
        is_open = is_open & is_near
        is_whole = ((at_last > slack) & (at_first > slack)) | everywhere
        is_whole = is_whole & (last > face) & (first > face)
        flag = np.int32(0) if is_open else np.int32(1)
        flags[b, e] = flag if is_whole else flag | np.int32(2)


# noalias: see `_measure`.
@kernel(noalias=True)
def _arrivals(
    transmit_time_s: npt.NDArray[np.float64],
    transmit_weight: npt.NDArray[np.float32],
    time_zero_s: npt.NDArray[np.float64],
    sampling_frequency_hz: float,
    t: int,
    line: int,
    first: int,
    n: int,
    b: int,
    position: npt.NDArray[np.int64],
    rel: npt.NDArray[np.int32],
    scale: npt.NDArray[np.float32],
) -> tuple[np.int64, np.int64, int]:
    """Transmit paths of a run, and the transmit's weights; returns their extremes and if any is."""
    zero_s = time_zero_s[t]
    is_weighted = transmit_weight.size > 0
    for m in range(np.uint64(n)):
        place = (transmit_time_s[t, line, first + m] - zero_s) * sampling_frequency_hz
        is_near = abs(place) < _FARTHEST
        position[b, t, m] = np.int64(math.floor(place * _ONE)) if is_near else _NOWHERE
        scale[b, t, m] = np.float32(1) if is_near else np.float32(0)
    if is_weighted:
        for m in range(np.uint64(n)):
            w = transmit_weight[t, line, first + m]
            scale[b, t, m] = w * scale[b, t, m] if abs(w) > 0 else np.float32(0)
    for m in range(n, LANES):
        position[b, t, m] = _NOWHERE
        scale[b, t, m] = np.float32(0)
    low = np.int64(2**62)
    high = _NOWHERE
    for m in range(LANES):
        is_used = scale[b, t, m] != np.float32(0)
        place = position[b, t, m]
        least = place if is_used else np.int64(2**62)
        most = place if is_used else _NOWHERE
        low = least if least < low else low
        high = most if most > high else high
    if high == _NOWHERE:
        return low, high, 0
    widest = np.int64(WINDOW) << _PLACES
    for m in range(LANES):
        way = position[b, t, m] - low
        # Lanes that are not used read where the first one does.
        way = way if 0 <= way < widest else np.int64(0)
        rel[b, t, m] = np.int32(way >> (_PLACES - _FINE))
    return low, high, 1


@kernel
def _chunk_of(
    flags: npt.NDArray[np.int32], base: npt.NDArray[np.int64], b: int, begin: int, end: int
) -> tuple[int, int, np.int32, np.int64, np.int64]:
    """Return a chunk without the closed elements at its ends, its flags and its paths' extremes."""
    while begin < end and flags[b, begin] & 1:
        begin += 1
    while begin < end and flags[b, end - 1] & 1:
        end -= 1
    seen = np.int32(0)
    shortest = np.int64(2**62)
    longest = _NOWHERE
    for e in range(np.uint64(begin), np.uint64(end)):
        seen |= flags[b, e]
        shortest = base[b, e] if base[b, e] < shortest else shortest
        longest = base[b, e] if base[b, e] > longest else longest
    return begin, end, seen, shortest, longest


@kernel
def _phasors(
    turns: npt.NDArray[np.float64],
    n: int,
    real: npt.NDArray[np.float32],
    imag: npt.NDArray[np.float32],
) -> None:
    """Cosine and sine of 2π turns, without a call; error below 4e-7 while |turns| < 2^28."""
    for m in range(n):
        quarters = math.floor(4 * turns[m] + 0.5) if abs(turns[m]) < _FARTHEST else 0.0
        x = np.float32((turns[m] - 0.25 * quarters) * (2 * math.pi))
        x2 = x * x
        sine = x2 * (np.float32(1 / 120) - x2 * np.float32(1 / 5040))
        sine = x + x * x2 * (sine - np.float32(1 / 6))
        cosine = x2 * (np.float32(1 / 720) - x2 * np.float32(1 / 40320))
        cosine = np.float32(1) + x2 * (x2 * (np.float32(1 / 24) - cosine) - np.float32(0.5))
        q = np.float32(quarters - 4 * math.floor(0.25 * quarters))  # 0, 1, 2 or 3
        odd = q == np.float32(1) or q == np.float32(3)
        a = sine if odd else cosine
        b = cosine if odd else sine
        real[m] = -a if q == np.float32(1) or q == np.float32(2) else a
        imag[m] = -b if q >= np.float32(2) else b


@kernel
def _next_group(
    transmit: npt.NDArray[np.int64],
    b: int,
    t: int,
    widest: np.int64,
    pending: npt.NDArray[np.float32],
    group: npt.NDArray[np.float32],
    rel: npt.NDArray[np.int32],
) -> tuple[np.int64, np.int64]:
    """Move the earliest lanes that fit a window from those pending to a group of their own."""
    low = np.int64(2**62)
    for m in range(LANES):
        if pending[m] != np.float32(0) and transmit[b, t, m] < low:
            low = transmit[b, t, m]
    high = low
    for m in range(LANES):
        way = transmit[b, t, m] - low
        is_in = pending[m] != np.float32(0) and way < widest
        group[m] = np.float32(1) if is_in else np.float32(0)
        pending[m] = np.float32(0) if is_in else pending[m]
        # The other lanes read where the first one of the group does.
        rel[m] = np.int32(way >> (_PLACES - _FINE)) if is_in else np.int32(0)
        high = low + way if is_in and low + way > high else high
    return low, high


@kernel
def _add_point_by_point(
    data: npt.NDArray[np.float32],
    points: npt.NDArray[np.float64],
    positions: npt.NDArray[np.float64],
    begin: int,
    end: int,
    t: int,
    b: int,
    transmit: npt.NDArray[np.int64],
    wanted: npt.NDArray[np.float32],
    n: int,
    apodization: npt.NDArray[np.float32],
    sums: npt.NDArray[np.float32],
) -> None:
    """Do what `_add_transmit` does, for runs that do not fit a window or leave the record."""
    n_planes, n_samples = data.shape[2], data.shape[3]
    last = np.int64(n_samples - 2)
    for e in range(begin, end):
        row = (b * CHUNK + e - begin) * n_planes * LANES
        for m in range(n):
            real = apodization[row + m]
            imag = apodization[row + (n_planes - 1) * LANES + m]
            if wanted[m] == np.float32(0) or (real == np.float32(0) and imag == np.float32(0)):
                continue
            dx = points[b, 0, m] - positions[0, e]
            dy = points[b, 1, m] - positions[1, e]
            dz = points[b, 2, m] - positions[2, e]
            path = _fixed(math.sqrt(dx * dx + dy * dy + dz * dz))
            position = transmit[b, t, m] + path
            if path == _NOWHERE or position < 0 or position > (last + 1) << _PLACES:
                continue
            # The very last sample is read as the second of a pair: nothing beyond it is.
            j = min(position >> _PLACES, last)
            w = np.float32(position - (j << _PLACES)) * np.float32(1 / _ONE)
            x = data[t, e, 0, j] + w * (data[t, e, 0, j + 1] - data[t, e, 0, j])
            if n_planes == 1:
                sums[b, t, 0, m] += real * x
                continue
            y = data[t, e, 1, j] + w * (data[t, e, 1, j + 1] - data[t, e, 1, j])
            sums[b, t, 0, m] += real * x - imag * y
            sums[b, t, 1, m] += real * y + imag * x


@kernel
def _room(n_bytes: int) -> int:
    """Bytes that a part of the scratch takes, a multiple of a vector's."""
    return (n_bytes + _ALIGNMENT - 1) // _ALIGNMENT * _ALIGNMENT


@kernel
def scratch_bytes(n_transmits: int, n_elements: int, n_planes: int) -> int:
    """Room that `das_range` works in, in bytes, for channel data of this shape."""
    n = _room(8 * 12 * n_elements) + _room(8 * n_elements) + 8 * (LINES * 3 + 2) * LANES
    n += _room(8 * LINES * n_elements) + _room(8 * LINES * n_transmits * LANES)
    n += _room(8 * 3 * LINES * n_transmits) + _room(8 * 4 * LINES)
    n += _room(4 * LINES * _N_COLUMNS * n_elements) + _room(4 * LINES * n_elements)
    n += 4 * LANES * (LINES * CHUNK * (n_planes + 1) + LINES + 11)
    n += 4 * LANES * LINES * n_transmits * (n_planes + 2)
    return n + _ALIGNMENT


@kernel
def _padding(scratch: npt.NDArray[np.uint8]) -> int:
    """Bytes before the first aligned one."""
    return int(-np.int64(scratch.ctypes.data) & np.int64(_ALIGNMENT - 1))


@kernel
def _doubles(
    scratch: npt.NDArray[np.uint8], place: int, n: int
) -> tuple[int, npt.NDArray[np.float64]]:
    """Return where the next part begins, and this one."""
    return place + _room(8 * n), scratch[place : place + 8 * n].view(np.float64)


@kernel
def _longs(scratch: npt.NDArray[np.uint8], place: int, n: int) -> tuple[int, npt.NDArray[np.int64]]:
    """Return where the next part begins, and this one."""
    return place + _room(8 * n), scratch[place : place + 8 * n].view(np.int64)


@kernel
def _floats(
    scratch: npt.NDArray[np.uint8], place: int, n: int
) -> tuple[int, npt.NDArray[np.float32]]:
    """Return where the next part begins, and this one."""
    return place + _room(4 * n), scratch[place : place + 4 * n].view(np.float32)


@kernel
def _integers(
    scratch: npt.NDArray[np.uint8], place: int, n: int
) -> tuple[int, npt.NDArray[np.int32]]:
    """Return where the next part begins, and this one."""
    return place + _room(4 * n), scratch[place : place + 4 * n].view(np.int32)


@kernel
def split_planes(
    iq: npt.NDArray[np.float32], start: int, stop: int, out: npt.NDArray[np.float32]
) -> None:
    """Split IQ records into a plane of real and a plane of imaginary parts.

    Parameters
    ----------
    iq : (n_records, n_samples, 2) float32
        Complex64 data seen as pairs of real and imaginary part.
    start, stop : int64
        Range of records, 0 ≤ start ≤ stop ≤ n_records.
    out : (n_records, 2, n_samples) float32
        Records [start, stop) are overwritten, the rest untouched.

    Notes
    -----
    All arrays are C-contiguous.  Not checked: shapes, start and stop.
    """
    n_samples = iq.shape[1]
    for r in range(start, stop):
        for n in range(np.uint64(n_samples)):
            out[r, 0, n] = iq[r, n, 0]
            out[r, 1, n] = iq[r, n, 1]


@kernel
def das_range(
    data: npt.NDArray[np.float32],
    origins_m: npt.NDArray[np.float64],
    directions: npt.NDArray[np.float64],
    ranges_m: npt.NDArray[np.float64],
    element_positions_m: npt.NDArray[np.float64],
    element_normals: npt.NDArray[np.float64],
    element_tangents: npt.NDArray[np.float64],
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
    normalize: int,
    start: int,
    stop: int,
    scratch: npt.NDArray[np.uint8],
    out: npt.NDArray[np.float32],
) -> None:
    r"""Delay-and-sum of channel data along scan lines, items start to stop − 1.

    Item i is the run i // n_lines (`LANES` consecutive ranges, the last run may be shorter) of line
    i % n_lines.  IQ is multiplied by exp(2πj f_d τ), τ the echo's time on the transmit's clock.

    Parameters
    ----------
    data : (n_transmits, n_elements, n_planes, n_samples) float32
        Channel data; one plane of RF, or two of IQ as `split_planes` makes them.  Any amplitude
        unit.  Sample n of transmit t stands at time_zero_s[t] + n / sampling_frequency_hz.
    origins_m : (n_lines, 3) float64
        Where each line has range 0, in metres.  Fastest where consecutive lines are neighbours.
    directions : (n_lines, 3) float64
        Unit vectors along the lines.
    ranges_m : (n_ranges,) float64
        Ranges that all lines share, not decreasing, in metres.
    element_positions_m : (n_elements, 3) float64
        Element centres, in metres.
    element_normals : (n_elements, 3) float64
        Unit vectors out of the element faces.
    element_tangents : (n_elements, 3) float64
        Unit vectors along the element widths, at right angles to the normals.
    transmit_time_s : (n_transmits, n_lines, n_ranges) float64
        When the transmitted wave passes each point, on the transmit's clock, twice the lens delay
        included.  NaN or infinite: the transmit is skipped there.
    transmit_weight : (n_transmits, n_lines, n_ranges) float32
        Transmit apodization.  0 or NaN: the transmit is skipped there.  An array without items
        stands for weight 1 everywhere.
    time_zero_s : (n_transmits,) float64
        Time of sample 0 on the transmit's clock.
    window : (4,) float64
        taper, a0, a1, a2: with u the place in the half aperture from 0 to 1 and v = max(0,
        (u − (1 − taper)) / taper), the weight is a0 + a1 cos(πv) + a2 cos(2πv); 1 where
        taper ≤ 0.
    sampling_frequency_hz, demodulation_frequency_hz, sound_speed_m_s : float64
        f_d is 0 for RF.
    f_number : float64 ≥ 0
        Receive F-number by element normal; 0 is the full aperture: every element that the point
        lies in front of.
    element_width_wavelengths, element_height_wavelengths : float64
        If the width is not negative, the apodization is multiplied by
        sinc(w sin θx) sinc(h sin θy) cos θ (soft baffle), θx and θy measured along the element's
        width and height; a negative height counts as 0.
    normalize : int64
        0: the plain sum.  1: the sum divided by Σ |w_t(p)| a_e(p); 0 where that is 0.  Samples
        outside the record count in the divisor.
    start, stop : int64
        Range of items, 0 ≤ start ≤ stop ≤ n_lines ⌈n_ranges / LANES⌉.
    scratch : (n_bytes,) uint8
        Room of the calling thread, `scratch_bytes` or more; the kernel takes its own where it is
        less.  Overwritten.
    out : (n_lines, n_ranges, n_planes) float32
        Beamformed data.  The points of the items are overwritten, the rest untouched.

    Notes
    -----
    All arrays are C-contiguous.  Samples outside the record contribute nothing, a record of fewer
    than two samples gives zeros, points at ranges, origins or directions that are not finite give
    0, and no value of any array causes a read outside `data`.  Not checked: shapes, n_planes 1 or
    2, start and stop, the signs of the scalars, that vectors have unit length.  A NaN or infinity
    in the data spreads to the points of the runs that read it.
    """
    n_transmits, n_elements, n_planes, n_samples = data.shape
    n_lines, n_ranges = out.shape[0], out.shape[1]
    per_m = sampling_frequency_hz / sound_speed_m_s
    turns_per_sample = demodulation_frequency_hz / sampling_frequency_hz
    is_directive = 1 if element_width_wavelengths >= 0 else 0
    scalars = np.zeros(_N_SCALARS, np.float32)
    scalars[_EDGE] = 4 * f_number * f_number
    scalars[_A0] = 1
    is_boxcar = not window[0] > 0
    if not is_boxcar:
        scalars[_FLAT] = 1 - window[0]
        scalars[_PER_TAPER] = 1 / window[0]
        scalars[_A0], scalars[_A1], scalars[_A2] = window[1], window[2], window[3]
    scalars[_RATIO] = turns_per_sample
    scalars[_W] = max(element_width_wavelengths, 0.0)
    scalars[_H] = max(element_height_wavelengths, 0.0)
    narrowest = _DIRECTIVE if is_directive else (_OPEN if is_boxcar else _WINDOWED)
    if scratch.size < scratch_bytes(n_transmits, n_elements, n_planes):
        scratch = np.empty(scratch_bytes(n_transmits, n_elements, n_planes), np.uint8)
    # Flat parts first: making a view costs as much as the sum over several elements.
    place = _padding(scratch)
    flat = data.reshape(data.size)
    flat_time = transmit_time_s.reshape(transmit_time_s.size)
    flat_weight = transmit_weight.reshape(transmit_weight.size)
    place, doubles = _doubles(scratch, place, 12 * n_elements)
    positions = doubles[: 3 * n_elements].reshape(3, n_elements)
    normals = doubles[3 * n_elements : 6 * n_elements].reshape(3, n_elements)
    axes = doubles[6 * n_elements :].reshape(6, n_elements)
    place, distance = _doubles(scratch, place, n_elements)
    place, doubles = _doubles(scratch, place, LINES * 3 * LANES)
    points = doubles.reshape(LINES, 3, LANES)
    place, range_samples = _doubles(scratch, place, LANES)
    place, turns = _doubles(scratch, place, LANES)
    place, flat_base = _longs(scratch, place, LINES * n_elements)
    base = flat_base.reshape(LINES, n_elements)
    n_rows = LINES * n_transmits
    place, longs = _longs(scratch, place, n_rows * LANES)
    transmit = longs.reshape(LINES, n_transmits, LANES)
    place, longs = _longs(scratch, place, 3 * n_rows)
    low = longs[:n_rows].reshape(LINES, n_transmits)
    high = longs[n_rows : 2 * n_rows].reshape(LINES, n_transmits)
    is_used = longs[2 * n_rows :].reshape(LINES, n_transmits)
    place, longs = _longs(scratch, place, 4 * LINES)
    begins, ends = longs[:LINES], longs[LINES : 2 * LINES]
    shortest, longest = longs[2 * LINES : 3 * LINES], longs[3 * LINES :]
    place, flat_table = _floats(scratch, place, LINES * _N_COLUMNS * n_elements)
    table = flat_table.reshape(LINES, _N_COLUMNS, n_elements)
    place, apodization = _floats(scratch, place, LINES * CHUNK * n_planes * LANES)
    place, flat_total = _floats(scratch, place, LINES * LANES)
    total = flat_total.reshape(LINES, LANES)
    place, floats = _floats(scratch, place, n_rows * LANES)
    scale = floats.reshape(LINES, n_transmits, LANES)
    place, flat_sums = _floats(scratch, place, n_rows * n_planes * LANES)
    sums = flat_sums.reshape(LINES, n_transmits, n_planes, LANES)
    place, floats = _floats(scratch, place, 2 * LANES)
    result = floats.reshape(2, LANES)
    place, way = _floats(scratch, place, LANES)
    place, divisor = _floats(scratch, place, LANES)
    place, cosine = _floats(scratch, place, LANES)
    place, sine = _floats(scratch, place, LANES)
    place, pending = _floats(scratch, place, LANES)
    place, group = _floats(scratch, place, LANES)
    place, group_sums = _floats(scratch, place, 2 * LANES)
    place, group_rel = _integers(scratch, place, LANES)
    place, rel = _integers(scratch, place, LINES * CHUNK * LANES)
    place, flat_rel = _integers(scratch, place, n_rows * LANES)
    transmit_rel = flat_rel.reshape(LINES, n_transmits, LANES)
    place, part_flags = _integers(scratch, place, LINES * n_elements)
    flags = part_flags.reshape(LINES, n_elements)
    for e in range(n_elements):
        ax, ay, az = element_tangents[e, 0], element_tangents[e, 1], element_tangents[e, 2]
        nx, ny, nz = element_normals[e, 0], element_normals[e, 1], element_normals[e, 2]
        for axis in range(3):
            positions[axis, e] = element_positions_m[e, axis] * per_m
            normals[axis, e] = element_normals[e, axis]
            axes[axis, e] = element_tangents[e, axis]
        axes[3, e] = ny * az - nz * ay
        axes[4, e] = nz * ax - nx * az
        axes[5, e] = nx * ay - ny * ax
    last = np.int64(n_samples - 1) << _PLACES
    item = start
    while item < stop:
        line0 = item % n_lines
        run = item // n_lines
        block = min(LINES, min(stop - item, n_lines - line0))
        item += block
        first = run * LANES
        n = min(LANES, n_ranges - first)
        if item < stop:
            # Rows of the tables lie pages apart, where no processor looks ahead by itself.
            next_line, ahead = item % n_lines, item // n_lines * LANES
            for t in range(n_transmits):
                for b in range(min(LINES, min(stop - item, n_lines - next_line))):
                    at = (t * n_lines + next_line + b) * n_ranges + ahead
                    _fetch(flat_time, at)
                    _fetch(flat_time, min(at + LANES // 2, flat_time.size - 1))
                    _fetch(flat_time, min(at + LANES - 1, flat_time.size - 1))
                    if flat_weight.size:
                        _fetch(flat_weight, at)
                        _fetch(flat_weight, min(at + LANES - 1, flat_weight.size - 1))
        for m in range(LANES):
            range_samples[m] = ranges_m[first + (m if m < n else n - 1)] * per_m
        middle = 0.5 * (range_samples[0] + range_samples[n - 1])
        half = 0.5 * (range_samples[n - 1] - range_samples[0])
        is_finite = abs(middle) < _FARTHEST and 0 <= half < _FARTHEST and n_samples > 1
        for m in range(LANES):
            is_finite = is_finite and abs(range_samples[m] - middle) <= 1.001 * half + 1e-6
            way[m] = np.float32(range_samples[m] - middle) if is_finite else np.float32(0)
        # No distance changes by more than the range does.
        span = np.int64(2 * (half + _MARGIN) * _ONE) if is_finite else np.int64(0)
        scalars[_BELOW] = half + _MARGIN if is_finite else 0.0
        for b in range(block):
            line = line0 + b
            begins[b] = 0
            is_line = is_finite
            for axis in range(3):
                origin_m, u = origins_m[line, axis], directions[line, axis]
                is_line = is_line and abs(origin_m * per_m) < _FARTHEST and abs(u) < 2
                for m in range(LANES):
                    points[b, axis, m] = origin_m * per_m + range_samples[m] * u
            if not is_line:
                # No element is open, no transmit used: the points become 0.
                flags[b] = 1
                total[b] = 0
                is_used[b] = 0
                continue
            total[b] = 0
            sums[b] = 0
            for t in range(n_transmits):
                low[b, t], high[b, t], is_used[b, t] = _arrivals(
                    transmit_time_s, transmit_weight, time_zero_s, sampling_frequency_hz, t,
                    line, first, n, b, transmit, transmit_rel, scale,
                )  # fmt: skip
            _measure(
                origins_m[line, 0] * per_m + middle * directions[line, 0],
                origins_m[line, 1] * per_m + middle * directions[line, 1],
                origins_m[line, 2] * per_m + middle * directions[line, 2],
                directions, line, positions, normals, axes, is_directive, b, distance, table,
            )  # fmt: skip
            _extents(
                np.float32(half), scalars[_BELOW], scalars[_EDGE], distance, turns_per_sample, b,
                table, base, flags,
            )  # fmt: skip
        for chunk in range(0, n_elements, CHUNK):
            for b in range(block):
                begins[b], ends[b], seen, shortest[b], longest[b] = _chunk_of(
                    flags, base, b, chunk, min(chunk + CHUNK, n_elements)
                )
                if begins[b] < ends[b]:
                    aperture = max(narrowest, _MASKED) if seen & 2 else narrowest
                    _receive_tables(
                        way, flat_table, scalars, n_elements, b, begins[b], ends[b], aperture,
                        n_planes, rel, apodization, flat_total,
                    )  # fmt: skip
            for t in range(n_transmits):
                origin = t * n_elements * n_planes * n_samples
                for b in range(block):
                    if begins[b] >= ends[b] or not is_used[b, t]:
                        continue
                    least = shortest[b] + low[b, t]
                    most = longest[b] + span + high[b, t]
                    if most < 0 or least > last:
                        continue
                    # Two more samples than the span: its fraction, and the last pair's second.
                    width = ((span + high[b, t] - low[b, t]) >> _PLACES) + 3
                    windows = (width + 2 * LANES - 1) // (2 * LANES)
                    end_of_records = origin + ends[b] * n_planes * n_samples - n_samples
                    beyond = end_of_records + (most >> _PLACES) + windows * 2 * LANES
                    if width <= WINDOW and least >= 0 and most < last and beyond <= flat.size:
                        _add_transmit(
                            flat, origin, n_samples, flat_base, n_elements, b, begins[b],
                            ends[b], low[b, t], flat_rel, b * n_transmits + t, rel, apodization,
                            windows, n_planes, flat_sums,
                        )  # fmt: skip
                        continue
                    widest = (np.int64(WINDOW - 3) << _PLACES) - span
                    if width <= WINDOW or widest <= 0:
                        _add_point_by_point(
                            data, points, positions, begins[b], ends[b], t, b, transmit,
                            scale[b, t], n, apodization, sums,
                        )  # fmt: skip
                        continue
                    # The arrival times jump, or hurry: as many windows as are needed.
                    pending[:] = scale[b, t]
                    while pending.any():
                        early, late = _next_group(
                            transmit, b, t, widest, pending, group, group_rel
                        )  # fmt: skip
                        least = shortest[b] + early
                        most = longest[b] + span + late
                        width = ((span + late - early) >> _PLACES) + 3
                        windows = (width + 2 * LANES - 1) // (2 * LANES)
                        beyond = end_of_records + (most >> _PLACES) + windows * 2 * LANES
                        if least < 0 or most >= last or beyond > flat.size:
                            _add_point_by_point(
                                data, points, positions, begins[b], ends[b], t, b, transmit,
                                group, n, apodization, sums,
                            )  # fmt: skip
                            continue
                        group_sums[:] = 0
                        _add_transmit(
                            flat, origin, n_samples, flat_base, n_elements, b, begins[b],
                            ends[b], early, group_rel, 0, rel, apodization, windows, n_planes,
                            group_sums,
                        )  # fmt: skip
                        for m in range(LANES):
                            if group[m] != np.float32(0):
                                for plane in range(n_planes):
                                    sums[b, t, plane, m] += group_sums[plane * LANES + m]
        for b in range(block):
            line = line0 + b
            result[:] = 0
            divisor[:] = 0
            for t in range(n_transmits):
                if not is_used[b, t]:
                    continue
                if n_planes == 2:
                    for m in range(LANES):
                        k = first + (m if m < n else n - 1)
                        time_s = transmit_time_s[t, line, k] if scale[b, t, m] != 0 else 0.0
                        turns[m] = time_s * demodulation_frequency_hz
                    _phasors(turns, LANES, cosine, sine)
                for m in range(LANES):
                    w = scale[b, t, m]
                    is_heard = w != np.float32(0)
                    x = w * sums[b, t, 0, m] if is_heard else np.float32(0)
                    divisor[m] += abs(w)
                    if n_planes == 1:
                        result[0, m] += x
                        continue
                    y = w * sums[b, t, 1, m] if is_heard else np.float32(0)
                    result[0, m] += cosine[m] * x - sine[m] * y
                    result[1, m] += cosine[m] * y + sine[m] * x
            for m in range(n):
                factor = np.float32(1)
                if normalize:
                    weights = divisor[m] * total[b, m]
                    factor = np.float32(1) / weights if weights > 0 else np.float32(0)
                for plane in range(n_planes):
                    out[line, first + m, plane] = result[plane, m] * factor
