"""WatchedFrontEnd: a front-end of which nothing but errors of usdk and the right types get out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, TypeVar

from usdk.acquisition import Acquisition, DeviceInfo
from usdk.conformance.expect import DeviationError, require
from usdk.errors import UsdkError
from usdk.front_end import (
    DEFAULT_TIMEOUT_S,
    Capabilities,
    Configuration,
    FrontEnd,
    FrontEndState,
    FrontEndStatus,
    ReceiveRequest,
)
from usdk.probe import Probe
from usdk.transmit import TransmitSequence

__all__ = ["WatchedFrontEnd", "watched"]

Result = TypeVar("Result")


class WatchedFrontEnd:
    """The verbs of a `FrontEnd`, each of which keeps two rules or raises `DeviationError`.

    Foreign exceptions do not cross the border, and what is returned has the type that is promised.
    """

    def __init__(self, front_end: FrontEnd) -> None:
        self.front_end = front_end
        """The front-end itself."""

    @classmethod
    def opened_by(cls, opener: Callable[[], FrontEnd]) -> Self:
        """Open a front-end."""
        # A type checker will not have an abstract class as an argument.
        return cls(watched("open", FrontEnd, opener))  # type: ignore[type-abstract]

    @property
    def info(self) -> DeviceInfo:
        """Who the device is."""
        return watched("info", DeviceInfo, lambda: self.front_end.info)

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return watched("capabilities", Capabilities, lambda: self.front_end.capabilities)

    @property
    def probe(self) -> Probe:
        """The probe that is plugged into it."""
        return watched("probe", Probe, lambda: self.front_end.probe)

    @property
    def state(self) -> FrontEndState:
        """Where the front-end stands."""
        return watched("state", FrontEndState, lambda: self.front_end.state)

    @property
    def configuration(self) -> Configuration:
        """What was set by the last `configure`."""
        return watched("configuration", Configuration, lambda: self.front_end.configuration)

    def configure(
        self, sequence: TransmitSequence | None = None, receive: ReceiveRequest | None = None
    ) -> Configuration:
        """Set a sequence and how to receive."""
        return watched(
            "configure", Configuration, lambda: self.front_end.configure(sequence, receive)
        )

    def start(self) -> None:
        """Start."""
        watched("start", object, self.front_end.start)

    def read(self, n_frames: int = 1, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> Acquisition:
        """Return at least one of the next frames, and at most ``n_frames``."""
        acquisition = watched(
            "read", Acquisition, lambda: self.front_end.read(n_frames, timeout_s=timeout_s)
        )
        require(
            1 <= acquisition.n_frames <= n_frames,
            f"read({n_frames}) returned {acquisition.n_frames} frames",
            expected=f"1 to {n_frames} frames",
            advice="return what came and keep the rest for the next read; raise "
            "DeviceTimeoutError when nothing came",
        )
        return acquisition

    def stop(self) -> None:
        """Stop."""
        watched("stop", object, self.front_end.stop)

    def close(self) -> None:
        """Release the device."""
        watched("close", object, self.front_end.close)

    def status(self) -> FrontEndStatus:
        """Return health and loss counts."""
        return watched("status", FrontEndStatus, self.front_end.status)


def watched(verb: str, kind: type[Result], action: Callable[[], Any]) -> Result:
    """Return what a verb of a front-end returns.

    Raises
    ------
    UsdkError
        That the verb raises.
    DeviationError
        If it raises anything else, or returns something that is not of ``kind``.
    """
    try:
        result = action()
    except UsdkError:
        raise
    except Exception as error:
        raise DeviationError(
            f"{verb} raised {type(error).__name__}: {error}",
            expected="an error of usdk.errors, or none",
            advice="catch what a library raises inside the driver, and raise the error of "
            "usdk.errors that says who can act on it",
        ) from error
    require(
        isinstance(result, kind),
        f"{verb} gave a {type(result).__name__}",
        expected=f"a {kind.__name__}",
        advice=f"return a {kind.__module__}.{kind.__qualname__}",
    )
    assert isinstance(result, kind)
    return result
