"""What a simulated device is made of, apart from its protocol: something that makes frames."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from usdk.front_end import SelfTest
from usdk_drivers.wire import DeviceDescription, ErrorCode, SequenceSettings

__all__ = ["Engine", "RefusedError"]


class RefusedError(Exception):
    """The engine cannot do what is asked; becomes the device's error report."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.code = code


class Engine(Protocol):
    """Makes the samples that a device sends.

    Attributes
    ----------
    description : DeviceDescription
        What the device says of itself.
    settings : SequenceSettings or None
        What is set; a fixed sequence from the beginning.
    n_frames : int or None
        How many frames a run has, lost ones included; None without end.
    """

    description: DeviceDescription
    settings: SequenceSettings | None
    n_frames: int | None

    def configure(self, request: SequenceSettings) -> SequenceSettings:
        """Set a sequence and return what was set; `RefusedError` leaves all as it was."""

    def frame(self, number: int) -> NDArray[Any] | None:
        """Return a frame, (n_transmits, n_elements, n_samples), C-contiguous; None for a lost one.

        Nothing is sent of a lost frame, and the host notices.
        """

    def self_test(self) -> SelfTest | None:
        """Test the elements; None if it has none to test."""

    def timestamp_ns(self, number: int, transmit_index: int) -> int | None:
        """Return when a transmit starts on the device's clock, ns; None if that is unknown."""
