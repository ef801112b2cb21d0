"""What was lost is said: in gaps, in counts, and at the end of a recording."""

from __future__ import annotations

import math
from contextlib import suppress

from usdk.conformance.account import Account
from usdk.conformance.bench import Bench
from usdk.conformance.check import check
from usdk.conformance.expect import NotApplicableError, require, require_refusal
from usdk.conformance.watched import WatchedFrontEnd
from usdk.errors import DeviceTimeoutError, EndOfRecordingError
from usdk.front_end import FrontEndState, FrontEndStatus

__all__ = ["CHECKS"]

MAX_FRAMES_TO_THE_END = 20_000
LEAST_CELSIUS, MOST_CELSIUS = -55.0, 150.0
PER_FRAME_S = 0.2
IMPATIENCE_S = 1e-3

_LOSSES = "Losses"
_N_IMPATIENT_READS = 5
_N_FRAMES_WANTED = 4
_COUNTS = (
    "n_frames_received",
    "n_frames_lost",
    "n_packets_lost",
    "n_packets_damaged",
    "n_overruns",
)


def _first(front_end: WatchedFrontEnd) -> int | None:
    # A recording may be a part of a run.
    return None if front_end.capabilities.sequence_is_fixed else 0


@check(
    "loss.account",
    "received and lost frames make up the numbers",
    requires=_LOSSES,
    timeout_per_frame_s=PER_FRAME_S,
)
def account(bench: Bench) -> str | None:
    """Expect every frame number since the start in a frame or in a gap, once."""
    front_end, _ = bench.ready()
    ledger = Account(_first(front_end))
    for acquisition in bench.frames(front_end, bench.settings.n_frames):
        ledger.take(acquisition)
    return f"{ledger.n_received} received, {ledger.n_lost} lost"


@check(
    "loss.status",
    "the counts of status are those of what was read",
    requires=_LOSSES,
    timeout_per_frame_s=PER_FRAME_S,
)
def status_counts(bench: Bench) -> str | None:
    """Expect as many frames as were read, and at least the losses reported in gaps."""
    front_end, _ = bench.ready()
    n_received = n_lost = n_packets_lost = n_packets_damaged = 0
    for acquisition in bench.frames(front_end, bench.settings.n_frames):
        n_received += acquisition.n_frames
        n_lost += acquisition.n_frames_lost
        n_packets_lost += sum(gap.n_packets_lost for gap in acquisition.gaps)
        n_packets_damaged += sum(gap.n_packets_damaged for gap in acquisition.gaps)
    status = front_end.status()
    require(
        status.n_frames_received == n_received,
        f"{n_received} frames were read, status counts {status.n_frames_received}",
        expected="the same number",
        advice="count whole frames as they are returned, from 0 at each start",
    )
    for name, least in (
        ("n_frames_lost", n_lost),
        ("n_packets_lost", n_packets_lost),
        ("n_packets_damaged", n_packets_damaged),
    ):
        value = getattr(status, name)
        require(
            value >= least,
            f"gaps held {name} = {least}, status counts {value}",
            expected=f"at least {least}",
            advice="count in status what is put into gaps",
        )
    return f"{n_received} received, {n_lost} lost"


@check("loss.status-values", "what status tells can be", requires=_LOSSES)
def status_values(bench: Bench) -> str | None:
    """Expect in every state counts from 0 on, °C, V, and the state itself."""
    front_end = bench.open()
    _require_plausible(front_end, front_end.status(), FrontEndState.OPEN)
    front_end.close()
    front_end, _ = bench.ready()
    _require_plausible(front_end, front_end.status(), FrontEndState.CONFIGURED)
    bench.read(front_end)
    status = front_end.status()
    _require_plausible(front_end, status, FrontEndState.RUNNING)
    celsius = status.temperature_celsius
    return "no thermometer" if celsius is None else f"{celsius:.1f} °C"


@check("loss.impatience", "a read that ran out of time loses nothing unsaid", requires=_LOSSES)
def impatience(bench: Bench) -> str | None:
    """Read with almost no time; the numbers must still add up."""
    front_end, _ = bench.ready()
    ledger = Account(_first(front_end))
    n_too_short = 0
    timeout_s = IMPATIENCE_S
    if (rate_hz := front_end.configuration.frame_rate_hz) > 0:
        timeout_s = min(timeout_s, 1.5 / rate_hz)
    front_end.start()
    for _ in range(_N_IMPATIENT_READS):
        try:
            ledger.take(front_end.read(_N_FRAMES_WANTED, timeout_s=timeout_s))
        except DeviceTimeoutError:
            n_too_short += 1
        except EndOfRecordingError:
            break
        with suppress(EndOfRecordingError):
            ledger.take(front_end.read(timeout_s=bench.settings.frame_timeout_s))
    if not ledger.n_received:
        raise NotApplicableError("no frame came")
    return f"{n_too_short} reads without a frame, {ledger.n_received} frames received"


@check("loss.end", "after its last frame a recording says so", requires=_LOSSES, timeout_s=120.0)
def end(bench: Bench) -> str | None:
    """Expect `EndOfRecordingError`, again and again, and the beginning after a new start."""
    front_end, _ = bench.ready()
    if not front_end.capabilities.sequence_is_fixed:
        raise NotApplicableError("it has no end")
    first = int(bench.read(front_end).sequence_numbers[0])
    n_read = 1
    for acquisition in bench.frames(front_end, MAX_FRAMES_TO_THE_END):
        n_read += acquisition.n_frames
    if n_read > MAX_FRAMES_TO_THE_END:
        raise NotApplicableError(f"it did not end within {MAX_FRAMES_TO_THE_END} frames")
    for _ in range(2):
        require_refusal(
            EndOfRecordingError,
            "a read after the last frame",
            front_end.read,
            advice="keep the end until the next start",
        )
    front_end.stop()
    again = int(bench.read(front_end).sequence_numbers[0])
    require(
        again == first,
        f"after a new start frame {again} came first, {first} before",
        expected="the same frame",
        advice="go back to the beginning in _start",
    )
    return f"{n_read} frames"


def _require_plausible(
    front_end: WatchedFrontEnd, status: FrontEndStatus, state: FrontEndState
) -> None:
    require(
        status.state is state and front_end.state is state,
        f"status tells the state {status.state}",
        expected=state.value,
        advice="give status the front-end's own state",
    )
    for name in _COUNTS:
        value = getattr(status, name)
        require(
            isinstance(value, int) and value >= 0,
            f"status.{name} is {value!r} when {state}",
            expected="a whole number from 0 on",
            advice="count from 0 at each start",
        )
    celsius = status.temperature_celsius
    require(
        celsius is None or (math.isfinite(celsius) and LEAST_CELSIUS <= celsius <= MOST_CELSIUS),
        f"status.temperature_celsius is {celsius!r}",
        expected=f"None, or {LEAST_CELSIUS:g} to {MOST_CELSIUS:g}",
        advice="convert to °C; None stands for a device without a thermometer",
    )
    for name, volts in status.voltages_v:
        require(
            bool(name) and math.isfinite(volts),
            f"the rail {name!r} has {volts!r} V",
            expected="a name and a finite voltage",
            advice="leave out a rail that cannot be measured",
        )


CHECKS = (account, status_counts, status_values, impatience, end)
