"""Every error that usdk raises, by who can act on it.

::

    UsdkError
    ├── ArgumentError        (ValueError)       the caller: a value, shape or option is wrong
    ├── StateError           (RuntimeError)     the caller: the call came at the wrong moment
    ├── EndOfRecordingError  (EOFError)         the caller: a recording has no more frames
    ├── MissingExtraError    (ImportError)      the installer: an optional dependency is absent
    ├── DriverConflictError  (RuntimeError)     the installer: two drivers claim one scheme
    ├── DeviceAbsentError    (ConnectionError)  the operator: plug the probe in
    ├── DeviceFailedError    (OSError)          the device: it answered with an error
    │   └── DeviceFrozenError                   the operator: it stopped sending to be safe
    ├── DeviceTimeoutError   (TimeoutError)     the device: it did not answer in time
    │   └── TriggerTimeoutError                 the operator: no external trigger came
    ├── DataDamagedError     (ValueError)       the sender: bytes that are not what they claim
    ├── NotTrustedError      (PermissionError)  the security officer: a check of trust failed
    ├── LineDownError        (ConnectionError)  the network: no way to the receiver, try again later
    ├── DeliveryRefusedError (PermissionError)  the receiver: it said no to this object or sender
    └── StorageError         (OSError)          the administrator: disk full, read-only, no access

Each is also the builtin that it resembles, so that ``except ValueError`` still works. A message
says what was wrong and what to do next; it never holds patient data, keys or signatures.
"""

from __future__ import annotations

__all__ = [
    "ArgumentError",
    "DataDamagedError",
    "DeliveryRefusedError",
    "DeviceAbsentError",
    "DeviceFailedError",
    "DeviceFrozenError",
    "DeviceTimeoutError",
    "DriverConflictError",
    "EndOfRecordingError",
    "LineDownError",
    "MissingExtraError",
    "NotTrustedError",
    "StateError",
    "StorageError",
    "TriggerTimeoutError",
    "UsdkError",
]


class UsdkError(Exception):
    """Root of the tree; catch it to catch everything that usdk raises on purpose."""


class ArgumentError(UsdkError, ValueError):
    """A value, shape, dtype or option given by the caller cannot be used."""


class StateError(UsdkError, RuntimeError):
    """The call came at the wrong moment, for example a read before `configure`."""


class EndOfRecordingError(UsdkError, EOFError):
    """A recording has no more frames; open it again to read it from the start."""


class MissingExtraError(UsdkError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""

    @classmethod
    def for_extra(cls, extra: str, purpose: str) -> MissingExtraError:
        """Return the error that tells how to install ``extra``, which ``purpose`` needs."""
        return cls(f'{purpose} needs an optional package: pip install "ultrasound-sdk[{extra}]"')


class DriverConflictError(UsdkError, RuntimeError):
    """Two installed packages claim the same address scheme; uninstall one of them."""


class DeviceAbsentError(UsdkError, ConnectionError):
    """The device is not there, or went away."""


class DeviceFailedError(UsdkError, OSError):
    """The device is there and reported a failure, or broke its protocol."""


class DeviceFrozenError(DeviceFailedError):
    """The device stopped sending to be safe: too hot, or its host was silent for too long."""


class DeviceTimeoutError(UsdkError, TimeoutError):
    """The device did not answer in the time allowed."""


class TriggerTimeoutError(DeviceTimeoutError):
    """The device waits for an external trigger, and none came in the time allowed."""


class DataDamagedError(UsdkError, ValueError):
    """Bytes from a wire or a file are truncated, corrupt or of a foreign format."""


class NotTrustedError(UsdkError, PermissionError):
    """A signature, certificate or digest did not pass a check of trust."""


class LineDownError(UsdkError, ConnectionError):
    """The receiver cannot be reached, broke off or is overloaded; what was to be sent is kept.

    ``retry_after_s`` is how long it asks to be left alone, s; None where it does not say.
    """

    def __init__(self, *arguments: object, retry_after_s: float | None = None) -> None:
        super().__init__(*arguments)
        self.retry_after_s = retry_after_s


class DeliveryRefusedError(UsdkError, PermissionError):
    """The receiver refused an object or its sender; trying again alone will not help."""


class StorageError(UsdkError, OSError):
    """A file could not be read or written: disk full, read-only, or no permission."""
