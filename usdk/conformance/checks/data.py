"""What is read: whole, of the shape that was set, finite, numbered, dated, and one's own."""

from __future__ import annotations

import time

import numpy as np

from usdk.acquisition import CHANNEL_DTYPES, Acquisition
from usdk.conformance.bench import Bench
from usdk.conformance.check import check
from usdk.conformance.expect import NotApplicableError, require
from usdk.errors import EndOfRecordingError

__all__ = ["CHECKS"]

N_FRAMES = 12
HOST_CLOCK_TOLERANCE_S = 1.0

_DATA = "Data"
_N_SINGLE_FRAMES = 6


def _some(bench: Bench, *, at_least: int = 1) -> list[Acquisition]:
    front_end, _ = bench.ready()
    return list(bench.frames(front_end, N_FRAMES, at_least=at_least))


@check("data.shape", "samples have the shape that was set", requires=_DATA)
def shape(bench: Bench) -> str | None:
    """Expect (frames, transmits, elements, samples), C-contiguous, of a known type."""
    front_end, _ = bench.ready()
    configuration = front_end.configuration
    for n_frames in (1, 3):
        acquisition = bench.read(front_end, n_frames)
        data = acquisition.data
        expected = (
            len(configuration.sequence),
            front_end.probe.n_elements,
            configuration.receive.n_samples,
        )
        require(
            data.ndim == 4 and data.shape[1:] == expected and len(data) == acquisition.n_frames,
            f"data have shape {data.shape}",
            expected=f"(n_frames, {', '.join(map(str, expected))})",
            advice="send what configure has promised",
        )
        require(
            data.dtype in CHANNEL_DTYPES and bool(data.flags.c_contiguous),
            f"data are {data.dtype}, {'' if data.flags.c_contiguous else 'not '}C-contiguous",
            expected="int16, float32 or complex64, C-contiguous",
            advice="convert in the driver",
        )
    return f"{data.dtype}, {data[0].nbytes} bytes in a frame"


@check("data.description", "samples carry the configuration that was set", requires=_DATA)
def description(bench: Bench) -> str | None:
    """Compare probe, sequence, reception and device with those of the front-end."""
    front_end, _ = bench.ready()
    configuration = front_end.configuration
    acquisition = bench.read(front_end)
    for name, seen, expected in (
        ("sequence", acquisition.sequence, configuration.sequence),
        ("receive", acquisition.receive, configuration.receive),
        ("device", acquisition.device, front_end.info),
        ("probe", acquisition.probe.name, front_end.probe.name),
    ):
        if name == "device" and seen is None:
            continue
        require(
            seen == expected,
            f"the acquisition's {name} is {seen!r}",
            expected=repr(expected),
            advice="take sequence and receive from self.configuration, probe and device from self",
        )
    return None


@check("data.finite", "samples are finite", requires=_DATA)
def finite(bench: Bench) -> str | None:
    """Look for NaN and infinity."""
    for acquisition in _some(bench):
        n_bad = int(np.count_nonzero(~np.isfinite(acquisition.data)))
        require(
            n_bad == 0,
            f"{n_bad} samples are NaN or infinite",
            expected="finite samples",
            advice="leave a frame out of which samples are missing",
        )
    return None


@check("data.not-padded", "no transmit of a frame is filled up with zeros", requires=_DATA)
def not_padded(bench: Bench) -> str | None:
    """Look for transmits that are zero in all elements, where others are not."""
    silent: list[tuple[int, int]] = []
    n_records = 0
    for acquisition in _some(bench):
        is_silent = ~acquisition.data.any(axis=(2, 3))
        n_records += is_silent.size
        for frame, transmit in np.argwhere(is_silent).tolist():
            silent.append((int(acquisition.sequence_numbers[frame]), transmit))
    if len(silent) == n_records:
        raise NotApplicableError("every sample is zero")
    require(
        not silent,
        f"{len(silent)} of {n_records} transmits hold nothing but zeros, the first at frame "
        f"{silent[0][0] if silent else 0}, transmit {silent[0][1] if silent else 0}",
        expected="a frame that is whole, or absent",
        advice="leave the frame out and report a Gap",
    )
    return None


@check("data.kept", "samples stay as they are when more is read", requires=_DATA)
def kept(bench: Bench) -> str | None:
    """See that what was returned is not written to again."""
    front_end, _ = bench.ready()
    first = bench.read(front_end)
    copy = first.data.copy()
    n_more = 0
    # One at a time, for buffers that are taken in turn; then more at once.
    for _ in range(_N_SINGLE_FRAMES):
        try:
            n_more += front_end.read(timeout_s=bench.settings.frame_timeout_s).n_frames
        except EndOfRecordingError:
            break
    for acquisition in bench.frames(front_end, N_FRAMES, at_least=0):
        n_more += acquisition.n_frames
    front_end.stop()
    bench.read(front_end)
    require(
        bool(np.array_equal(first.data, copy, equal_nan=first.data.dtype.kind != "i")),
        "samples that had been returned changed when more was read",
        expected="an array of its own for each acquisition",
        advice="do not return a view of a buffer that is used again; copy, or take a new one",
    )
    return f"after {n_more} more frames"


@check("data.numbers", "frames are numbered, and the numbers rise", requires=_DATA)
def numbers(bench: Bench) -> str | None:
    """Expect every number of a run to be greater than the one before, from 0 on."""
    before = -1
    for acquisition in _some(bench):
        for number in acquisition.sequence_numbers.tolist():
            require(
                number > before,
                f"frame {number} came after "
                + (f"frame {before}" if before >= 0 else "nothing: it is below 0"),
                expected="a greater number than before, from 0 on",
                advice="count the frames that the device made since start, those lost included",
            )
            before = number
    return f"up to {before}"


@check("data.device-times", "the device's clock never goes back", requires=_DATA)
def device_times(bench: Bench) -> str | None:
    """Expect device timestamps, where there are any, to rise from frame to frame."""
    times_s = np.concatenate([a.device_timestamps_s for a in _some(bench, at_least=2)])
    if np.isnan(times_s).all():
        raise NotApplicableError("it gives no device timestamps")
    times_s = times_s[~np.isnan(times_s)]
    steps_s = np.diff(times_s)
    require(
        bool((steps_s > 0).all()),
        f"a device timestamp is {-float(steps_s.min()) if steps_s.size else 0:g} s before, or at, "
        "the one before it",
        expected="rising times",
        advice="unwrap the device's counter; give NaN where the time is unknown",
    )
    return None


@check("data.host-times", "arrival is told in Unix time", requires=_DATA)
def host_times(bench: Bench) -> str | None:
    """Expect host timestamps, where there are any, to be about now; not a recording's."""
    front_end, _ = bench.adjustable()
    begun_s = time.time()
    times_s = np.concatenate(
        [a.host_timestamps_s for a in bench.frames(front_end, N_FRAMES, at_least=1)]
    )
    ended_s = time.time()
    if np.isnan(times_s).all():
        raise NotApplicableError("it gives no host timestamps")
    first_s, last_s = float(np.nanmin(times_s)), float(np.nanmax(times_s))
    require(
        begun_s - HOST_CLOCK_TOLERANCE_S <= first_s and last_s <= ended_s + HOST_CLOCK_TOLERANCE_S,
        f"host timestamps run from {first_s:.3f} to {last_s:.3f} s",
        expected=f"between {begun_s:.3f} and {ended_s:.3f} s, when they were read",
        advice="take time.time() as a frame arrives",
    )
    return None


CHECKS = (
    shape,
    description,
    finite,
    not_padded,
    kept,
    numbers,
    device_times,
    host_times,
)
