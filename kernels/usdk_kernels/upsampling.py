r"""Upsampling of channel data: samples between the samples, by a polyphase FIR filter.

.. math:: y[n L + p] = \sum_k h_p[k]\; x\!\left[n + k - \tfrac{K}{2} + 1\right]

L is the factor, p the phase from 0 to L − 1, K the number of taps of each phase.

References
----------
A. V. Oppenheim, R. W. Schafer, "Discrete-Time Signal Processing", 3rd ed., section 4.6.2
(interpolation by an integer factor) and 4.7.2 (polyphase filters).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

_BLOCK = 1024  # samples of one pass: its list stays in the first-level cache
_TAPS = 4  # added in one pass


# contract: fused multiply-adds.
@kernel(fastmath=frozenset({"contract"}))
def _filter(
    line: npt.NDArray[np.float32],
    begin: int,
    step: int,
    taps: npt.NDArray[np.float32],
    phase: int,
    n: int,
    out: npt.NDArray[np.float32],
) -> None:
    """Filter n values, whose neighbours stand `step` values apart, with one phase's taps."""
    for m in range(np.uint64(n)):
        out[m] = np.float32(0)
    n_taps = taps.shape[1]
    for k in range(0, n_taps, _TAPS):
        c0 = taps[phase, k]
        c1 = taps[phase, k + 1] if k + 1 < n_taps else np.float32(0)
        c2 = taps[phase, k + 2] if k + 2 < n_taps else np.float32(0)
        c3 = taps[phase, k + 3] if k + 3 < n_taps else np.float32(0)
        at0, at1 = np.uint64(begin + k * step), np.uint64(begin + (k + 1) * step)
        at2, at3 = np.uint64(begin + (k + 2) * step), np.uint64(begin + (k + 3) * step)
        for m in range(np.uint64(n)):
            early = c0 * line[at0 + m] + c1 * line[at1 + m]
            late = c2 * line[at2 + m] + c3 * line[at3 + m]
            out[m] += early + late


@kernel
def upsample(
    data: npt.NDArray[np.float32],
    taps: npt.NDArray[np.float32],
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    """Upsample the rows start to stop − 1 by the number of phases.

    Parameters
    ----------
    data : (n_rows, n_samples, n_planes) float32
        Channel data; one plane of RF, or two of IQ, real and imaginary part.  Any amplitude unit.
    taps : (factor, n_taps) float32
        Filter of every phase, n_taps even; as the module's equation says.
    start, stop : int64
        Range of rows, 0 ≤ start ≤ stop ≤ n_rows.
    out : (n_rows, (n_samples − 1) factor + 1, n_planes) float32
        Upsampled data; sample n of `data` stands at factor · n.  Rows [start, stop) are
        overwritten, the rest untouched.

    Notes
    -----
    All arrays are C-contiguous.  Beyond its ends the record counts as 0.  A NaN spreads to the
    samples whose taps reach it, those of coefficient 0 included.  Not checked: shapes, start and
    stop.
    """
    n_samples, n_planes = data.shape[1], data.shape[2]
    factor, n_taps = taps.shape
    before = n_taps // 2 - 1
    # The last pass over the taps reads up to `_TAPS` − 1 samples too many.
    line = np.zeros((n_samples + n_taps + _TAPS) * n_planes, np.float32)
    block = np.empty(_BLOCK * n_planes, np.float32)
    for row in range(start, stop):
        for n in range(n_samples):
            for plane in range(n_planes):
                line[(before + n) * n_planes + plane] = data[row, n, plane]
        for begin in range(0, n_samples, _BLOCK):
            n = min(_BLOCK, n_samples - begin)
            for phase in range(factor):
                _filter(line, begin * n_planes, n_planes, taps, phase, n * n_planes, block)
                # Nothing stands behind the last sample.
                count = min(n, n_samples - 1 - begin) if phase > 0 else n
                if n_planes == 1:
                    for m in range(count):
                        out[row, (begin + m) * factor + phase, 0] = block[m]
                    continue
                for m in range(count):
                    for plane in range(n_planes):
                        out[row, (begin + m) * factor + phase, plane] = block[m * n_planes + plane]
