"""What the command's exit status means: the one table."""

from __future__ import annotations

from dataclasses import dataclass

from usdk.errors import (
    ArgumentError,
    DataDamagedError,
    DeliveryRefusedError,
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    LineDownError,
    MissingExtraError,
    NotTrustedError,
    StorageError,
    UsdkError,
)

__all__ = [
    "BROKEN_PIPE",
    "DONE",
    "EXIT_CODES",
    "INTERRUPTED",
    "PROBLEMS_FOUND",
    "ExitCode",
    "exit_code",
]


@dataclass(frozen=True)
class ExitCode:
    """One exit status, what it means, and the errors that lead to it."""

    code: int
    meaning: str
    errors: tuple[type[UsdkError], ...] = ()


DONE = 0
NOT_CONFORMANT = 9
PROBLEMS_FOUND = 10
# As a shell reports a program that SIGINT or SIGPIPE ended.
INTERRUPTED = 130
BROKEN_PIPE = 141

EXIT_CODES = (
    ExitCode(DONE, "done"),
    ExitCode(2, "wrong use: an option or a value", (ArgumentError,)),
    ExitCode(3, "the device is not there, or went away", (DeviceAbsentError,)),
    ExitCode(
        4, "the device failed, or did not answer in time", (DeviceFailedError, DeviceTimeoutError)
    ),
    ExitCode(5, "a file or a message is damaged, or of a foreign format", (DataDamagedError,)),
    ExitCode(6, "not trusted: a signature, a certificate or a key", (NotTrustedError,)),
    ExitCode(7, "a file cannot be read or written", (StorageError,)),
    ExitCode(8, "an optional package is not installed", (MissingExtraError,)),
    ExitCode(11, "the receiver cannot be reached", (LineDownError,)),
    ExitCode(12, "the receiver refused an object or its sender", (DeliveryRefusedError,)),
    ExitCode(PROBLEMS_FOUND, "what was examined has problems"),
    ExitCode(NOT_CONFORMANT, "a check of conformance failed"),
    ExitCode(1, "any other error", (UsdkError,)),
    ExitCode(INTERRUPTED, "stopped by Ctrl-C"),
    ExitCode(BROKEN_PIPE, "the reader of the output went away"),
)
"""In the order in which they are matched."""


def exit_code(error: UsdkError) -> int:
    """Return the exit status for an error."""
    return next(entry.code for entry in EXIT_CODES if isinstance(error, entry.errors))
