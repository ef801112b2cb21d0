"""Calls at the wrong moment are refused; calls that say the same twice have no effect."""

from __future__ import annotations

from functools import partial

from usdk.conformance.bench import Bench
from usdk.conformance.check import check
from usdk.conformance.expect import DeviationError, require, require_refusal
from usdk.conformance.watched import WatchedFrontEnd, watched
from usdk.errors import ArgumentError, StateError
from usdk.front_end import FrontEndState

__all__ = ["CHECKS"]

_STATES = "States"
_ADVICE = "leave the verbs to the base class and write the hooks; it keeps the state"


class _StopError(Exception):
    pass


def _require_state(front_end: WatchedFrontEnd, expected: FrontEndState, when: str) -> None:
    require(
        front_end.state is expected,
        f"{when} the state is {front_end.state}",
        expected=expected.value,
        advice=_ADVICE,
    )


@check("state.open", "before configure it can be neither started nor read", requires=_STATES)
def opened(bench: Bench) -> str | None:
    """Expect `StateError` of start, read and configuration, and nothing of stop."""
    front_end = bench.open()
    _require_state(front_end, FrontEndState.OPEN, "after open")
    front_end.stop()
    for verb, call in (
        ("read", lambda: front_end.read(timeout_s=1.0)),
        ("start", front_end.start),
        ("configuration", lambda: front_end.configuration),
    ):
        require_refusal(StateError, f"{verb} before configure", call, advice=_ADVICE)
    _require_state(front_end, FrontEndState.OPEN, "after what was refused")
    return None


@check("state.running", "while it runs it cannot be configured", requires=_STATES)
def running(bench: Bench) -> str | None:
    """Expect `StateError` of configure, nothing of start, and the run to go on."""
    front_end, program = bench.ready()
    front_end.start()
    _require_state(front_end, FrontEndState.RUNNING, "after start")
    first = bench.read(front_end)
    require_refusal(
        StateError,
        "configure while running",
        lambda: program.set_on(front_end),
        advice=_ADVICE,
    )
    front_end.start()
    _require_state(front_end, FrontEndState.RUNNING, "after what was refused")
    second = bench.read(front_end)
    before, after = int(first.sequence_numbers[-1]), int(second.sequence_numbers[0])
    require(
        after > before,
        f"after frame {before} came frame {after}: the run began anew",
        expected="the run to go on",
        advice="a second start, and a configure that is refused, must not reach the device",
    )
    return None


@check("state.read-starts", "a read starts what is configured", requires=_STATES)
def read_starts(bench: Bench) -> str | None:
    """Call ``read`` without ``start``, and expect a frame and the state running."""
    front_end, _ = bench.ready()
    try:
        front_end.read(timeout_s=bench.settings.frame_timeout_s)
    except StateError as error:
        raise DeviationError(
            f"a read without start before it was refused: {error}",
            expected="the read to start it",
            advice=_ADVICE,
        ) from error
    _require_state(front_end, FrontEndState.RUNNING, "after a read")
    return None


@check("state.stop", "a second stop has no effect", requires=_STATES)
def stopped(bench: Bench) -> str | None:
    """Call ``stop`` when nothing runs, and twice."""
    front_end, _ = bench.ready()
    front_end.stop()
    bench.read(front_end)
    front_end.stop()
    _require_state(front_end, FrontEndState.CONFIGURED, "after stop")
    front_end.stop()
    _require_state(front_end, FrontEndState.CONFIGURED, "after a second stop")
    return None


@check("state.closed", "after close nothing but close can be called", requires=_STATES)
def closed(bench: Bench) -> str | None:
    """Close twice, and expect `StateError` of every other verb."""
    front_end, program = bench.ready()
    bench.read(front_end)
    front_end.close()
    _require_state(front_end, FrontEndState.CLOSED, "after close")
    front_end.close()
    for verb, call in (
        ("read", lambda: front_end.read(timeout_s=1.0)),
        ("start", front_end.start),
        ("configure", lambda: program.set_on(front_end)),
        ("status", front_end.status),
    ):
        require_refusal(StateError, f"{verb} after close", call, advice=_ADVICE)
    return None


@check("state.with", "a with block closes it, after an error too", requires=_STATES)
def context(bench: Bench) -> str | None:
    """Expect the end of the block to close, and what was raised in it to come out."""
    front_end = bench.open()

    def block() -> bool:
        came_out: list[_StopError] = []
        try:
            with front_end.front_end:
                raise _StopError
        except _StopError as error:
            came_out.append(error)
        return bool(came_out)

    require(
        watched("a with block", bool, block),
        "an error that was raised in a with block did not come out of it",
        expected="the error",
        advice="__exit__ must return None",
    )
    _require_state(front_end, FrontEndState.CLOSED, "after a with block")
    return None


@check("state.read-arguments", "an impossible read is refused", requires=_STATES)
def read_arguments(bench: Bench) -> str | None:
    """Ask for no frames, and for times that cannot be; expect `ArgumentError`."""
    front_end, _ = bench.ready()
    for n_frames, timeout_s in ((0, 1.0), (1, 0.0), (1, -1.0), (1, float("nan"))):
        require_refusal(
            ArgumentError,
            f"read({n_frames}, timeout_s={timeout_s})",
            partial(front_end.read, n_frames, timeout_s=timeout_s),
            advice=_ADVICE,
        )
    return None


CHECKS = (opened, running, read_starts, stopped, closed, context, read_arguments)
