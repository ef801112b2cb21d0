"""Nothing hangs, and frames come at the rate that was promised."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import numpy as np

from usdk.conformance.bench import Bench
from usdk.conformance.check import check
from usdk.conformance.expect import DeviationError, NotApplicableError, require
from usdk.conformance.program import Program
from usdk.conformance.watched import WatchedFrontEnd
from usdk.errors import ArgumentError, DeviceTimeoutError, EndOfRecordingError, UsdkError
from usdk.front_end import Configuration, FrontEndState
from usdk.transmit import TransmitSequence

__all__ = ["CHECKS"]

READ_TIMEOUT_S = 0.1
READ_SLACK_S = 0.5
"""How far a read may go past its timeout, s: one wait inside the driver, and a busy host."""
START_WITHIN_S = 2.0
STOP_WITHIN_S = 1.0
STATUS_WITHIN_S = 1.0
CLOSE_WITHIN_S = 2.0
FIRST_FRAME_WITHIN_S = 2.0
FRAME_RATE_TOLERANCE = 0.01

_TIMING = "Timing"
_SLOW_FRAME_RATE_HZ = 5.0
_N_LASTING_FRAMES = 8
_N_FRAMES_AT_ONCE = 20
_N_PACED_FRAMES = 40
_BEFORE_STOP_S = 0.05
_LONG_READ_S = 2.0


@check("time.read-timeout", "a read ends when its time is over", requires=_TIMING)
def read_timeout(bench: Bench) -> str | None:
    """Ask for more than can come in the time; expect fewer, or `DeviceTimeoutError`."""
    front_end, program = bench.ready()
    configuration = _slow_down(front_end, program)
    n_frames = bench.most_frames(front_end, _N_LASTING_FRAMES)
    if not front_end.capabilities.sequence_is_fixed and configuration.frame_rate_hz < math.inf:
        # Where the rate cannot be lowered it takes more frames to outlast the timeout.
        n_lasting = math.ceil(20 * READ_TIMEOUT_S * configuration.frame_rate_hz)
        n_frames = bench.most_frames(front_end, max(n_frames, n_lasting))
    bench.read(front_end)  # what is compiled and allocated once
    started_s = time.monotonic()
    try:
        n_read = front_end.read(n_frames, timeout_s=READ_TIMEOUT_S).n_frames
    except (DeviceTimeoutError, EndOfRecordingError):
        n_read = 0
    time_s = time.monotonic() - started_s
    require(
        time_s <= READ_TIMEOUT_S + READ_SLACK_S,
        f"read({n_frames}, timeout_s={READ_TIMEOUT_S}) took {time_s:.2f} s",
        expected=f"at most {READ_TIMEOUT_S + READ_SLACK_S:g} s",
        advice="compare time.monotonic() with deadline_s before every wait, and wait no longer "
        "than what remains",
    )
    return f"{n_read} of {n_frames} frames in {time_s:.3f} s"


@check("time.first-frame", "the first frame comes soon", requires=_TIMING)
def first_frame(bench: Bench) -> str | None:
    """Measure from ``start`` to the first whole frame, in a second run."""
    front_end, _ = bench.ready()
    bench.read(front_end)  # what is compiled and allocated once
    front_end.stop()
    rate_hz = front_end.configuration.frame_rate_hz
    limit_s = FIRST_FRAME_WITHIN_S + (2 / rate_hz if rate_hz > 0 else 0.0)
    started_s = time.monotonic()
    front_end.start()
    bench.read(front_end)
    time_s = time.monotonic() - started_s
    require(
        time_s <= limit_s,
        f"the first frame came {time_s:.2f} s after start",
        expected=f"at most {limit_s:.2f} s",
        advice="end a transfer after each frame, so that no frame waits for the next",
    )
    return f"{time_s * 1e3:.1f} ms"


@check("time.frame-rate", "frames are made at the rate that was promised", requires=_TIMING)
def frame_rate(bench: Bench) -> str | None:
    """Measure by the device's timestamps and the frames' numbers, those lost included."""
    front_end, _ = bench.ready()
    promised_hz = front_end.configuration.frame_rate_hz
    if math.isnan(promised_hz):
        raise NotApplicableError("it promises no frame rate")
    numbers, times_s = [], []
    for acquisition in bench.frames(front_end, _N_PACED_FRAMES, at_least=2):
        numbers.append(acquisition.sequence_numbers)
        times_s.append(acquisition.device_timestamps_s)
    number, time_s = np.concatenate(numbers), np.concatenate(times_s)
    known = ~np.isnan(time_s)
    if np.count_nonzero(known) < 2:
        raise NotApplicableError("it gives no device timestamps")
    number, time_s = number[known], time_s[known]
    n_periods, elapsed_s = float(number[-1] - number[0]), float(time_s[-1] - time_s[0])
    if n_periods <= 0 or elapsed_s <= 0:
        raise NotApplicableError("numbers or times do not rise: see data.numbers")
    measured_hz = n_periods / elapsed_s
    require(
        abs(measured_hz - promised_hz) <= FRAME_RATE_TOLERANCE * promised_hz,
        f"{measured_hz:.3f} frames/s by the device's clock, {promised_hz:.3f} promised",
        expected=f"the same within {FRAME_RATE_TOLERANCE:.0%}",
        advice="return in Configuration.frame_rate_hz what is really set, and timestamps in "
        "seconds of a clock that is right to 1 %",
    )
    return f"{measured_hz:.3f} frames/s, {promised_hz:.3f} promised"


@check("time.verbs", "start, status, stop and close return soon", requires=_TIMING)
def verbs(bench: Bench) -> str | None:
    """Measure each, while frames come."""
    front_end, _ = bench.ready()
    bench.read(front_end)
    front_end.stop()
    notes = []
    calls: tuple[tuple[str, Callable[[], object], float], ...] = (
        ("start", front_end.start, START_WITHIN_S),
        ("status", front_end.status, STATUS_WITHIN_S),
        ("stop", front_end.stop, STOP_WITHIN_S),
        ("start", front_end.start, START_WITHIN_S),
        ("close", front_end.close, STOP_WITHIN_S + CLOSE_WITHIN_S),
    )
    for name, call, limit_s in calls:
        started_s = time.monotonic()
        call()
        time_s = time.monotonic() - started_s
        require(
            time_s <= limit_s,
            f"{name} took {time_s:.2f} s",
            expected=f"at most {limit_s:g} s",
            advice="give every wait for the device a timeout",
        )
        notes.append(f"{name} {time_s * 1e3:.1f} ms")
    return ", ".join(notes)


@check("time.stop-in-read", "a stop from another thread does not hang a read", requires=_TIMING)
def stop_in_read(bench: Bench) -> str | None:
    """Expect the read to end by its own timeout, and a new run to begin."""
    front_end, _ = bench.ready()
    n_frames = bench.most_frames(front_end, _N_FRAMES_AT_ONCE)
    bench.read(front_end)
    is_stopping = threading.Event()
    ends: list[Exception | None] = []

    def keep_reading() -> None:
        end: Exception | None = None
        try:
            while not is_stopping.is_set():
                front_end.read(n_frames, timeout_s=_LONG_READ_S)
        except UsdkError:
            pass
        except Exception as error:
            end = error
        ends.append(end)

    reader = threading.Thread(target=keep_reading, name="conformance reader", daemon=True)
    reader.start()
    time.sleep(_BEFORE_STOP_S)
    is_stopping.set()
    started_s = time.monotonic()
    front_end.stop()
    stop_s = time.monotonic() - started_s
    reader.join(_LONG_READ_S + READ_SLACK_S)
    require(
        not reader.is_alive(),
        f"{_LONG_READ_S + READ_SLACK_S:g} s after stop a read of {_LONG_READ_S:g} s still waits",
        expected="the read to end by its own timeout",
        advice="wait for the device in short pieces and look at self.state between them",
    )
    if ends[0] is not None:
        error = ends[0]
        if isinstance(error, DeviationError):
            raise error
        raise DeviationError(
            f"the read ended in {type(error).__name__}: {error}",
            expected="frames, or an error of usdk.errors",
            advice="map what a library raises when its stream is stopped",
        )
    require(
        stop_s <= _LONG_READ_S,
        f"stop took {stop_s:.2f} s while another thread read",
        expected=f"at most {_LONG_READ_S:g} s",
        advice="hold no lock over a whole read",
    )
    if front_end.state is FrontEndState.RUNNING:  # the reader had begun another read
        front_end.stop()
    bench.read(front_end)
    return f"stop {stop_s * 1e3:.1f} ms"


def _slow_down(front_end: WatchedFrontEnd, program: Program) -> Configuration:
    """Set few frames a second, so that a read of several takes long; as it is if refused."""
    if program.sequence is None:
        return front_end.configuration
    slow = TransmitSequence(transmits=program.sequence.transmits[:1], prf_hz=_SLOW_FRAME_RATE_HZ)
    try:
        return front_end.configure(slow, program.receive)
    except ArgumentError:
        return program.set_on(front_end)


CHECKS = (read_timeout, first_frame, frame_rate, verbs, stop_in_read)
