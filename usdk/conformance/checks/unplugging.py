"""The plug is pulled while it runs, and put back."""

from __future__ import annotations

import time

from usdk.conformance.bench import Bench
from usdk.conformance.check import check
from usdk.conformance.expect import NotApplicableError, require
from usdk.conformance.program import set_usual
from usdk.conformance.watched import WatchedFrontEnd
from usdk.errors import DeviceAbsentError, UsdkError

__all__ = ["CHECKS"]

PATIENCE_S = 60.0
"""How long a person has to pull the plug, or to put it back, s."""
ERROR_WITHIN_S = 1.0
BACK_WITHIN_S = 2.0

_RECOVERY = "Recovery"
_POLL_S = 0.05
_READ_TIMEOUT_S = 0.5


@check(
    "unplug.error-and-return",
    "unplugged it raises DeviceAbsentError, and plugged in again it streams",
    requires=_RECOVERY,
    timeout_s=3 * PATIENCE_S,
)
def error_and_return(bench: Bench) -> str | None:
    """Expect the error soon after the last frame, and frames soon after the return."""
    operator = bench.settings.operator
    if operator is None:
        raise NotApplicableError("nobody unplugs it: --interactive asks you to")
    front_end, _ = bench.ready()
    bench.read(front_end)
    operator.unplug()
    error, silent_s = _read_until_error(front_end)
    require(
        isinstance(error, DeviceAbsentError),
        f"reading ended in {type(error).__name__}: {error}",
        expected="DeviceAbsentError",
        advice="map the errors with which your library reports a device that is gone",
    )
    require(
        silent_s <= ERROR_WITHIN_S,
        f"the error came {silent_s:.2f} s after the last frame",
        expected=f"at most {ERROR_WITHIN_S:g} s",
        advice="do not try again when a transfer says that the device is gone",
    )
    front_end.stop()
    front_end.close()
    operator.plug()
    back = _open_again(bench)
    started_s = time.monotonic()
    set_usual(back)
    bench.read(back)
    back_s = time.monotonic() - started_s
    require(
        back_s <= BACK_WITHIN_S,
        f"the first frame came {back_s:.2f} s after it could be opened again",
        expected=f"at most {BACK_WITHIN_S:g} s",
        advice="keep nothing of the session before; upload the sequence and start",
    )
    return f"error after {silent_s * 1e3:.0f} ms, first frame after {back_s * 1e3:.0f} ms"


def _read_until_error(front_end: WatchedFrontEnd) -> tuple[UsdkError, float]:
    give_up_s = time.monotonic() + PATIENCE_S
    last_frame_s = time.monotonic()
    while time.monotonic() < give_up_s:
        try:
            front_end.read(timeout_s=_READ_TIMEOUT_S)
        except UsdkError as error:
            return error, time.monotonic() - last_frame_s
        last_frame_s = time.monotonic()
    raise NotApplicableError(f"it was not unplugged within {PATIENCE_S:g} s")


def _open_again(bench: Bench) -> WatchedFrontEnd:
    give_up_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return bench.open()
        except DeviceAbsentError:
            if time.monotonic() > give_up_s:
                raise
            time.sleep(_POLL_S)


CHECKS = (error_and_return,)
