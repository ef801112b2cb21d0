"""Link: the wire protocol's requests and messages over one transport."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from usdk.errors import (
    DataDamagedError,
    DeviceFailedError,
    DeviceFrozenError,
    DeviceTimeoutError,
    StateError,
)
from usdk.front_end import SelfTest
from usdk_drivers.usb_errors import EndpointStalledError
from usdk_drivers.wire import (
    PAGE_BYTES,
    PROTOCOL_VERSION,
    DeviceDescription,
    DeviceError,
    DeviceSettings,
    DeviceState,
    DeviceStatus,
    ElementTests,
    ErrorCode,
    MessageType,
    PowerCode,
    Request,
    SelfTestState,
    SequenceSettings,
    VersionRange,
    message_length,
)

__all__ = ["DeviceLink", "Transport"]

MESSAGE_TIMEOUT_S = 10.0
CONFIGURE_TIMEOUT_S = 10.0
_POLL_S = 2e-3
# Who can act on a refusal; without an entry, nobody but the device's maker.
_REFUSALS: dict[ErrorCode, type[DeviceFailedError] | type[StateError]] = {
    ErrorCode.NOT_ACTIVE: StateError,
    ErrorCode.OVER_TEMPERATURE: DeviceFrozenError,
}


class Transport(Protocol):
    """What the link needs of a transport; `usdk_drivers.usb_transport.UsbTransport` is one."""

    def control_in(self, request: int, *, value: int = 0, index: int = 0, length: int) -> bytes:
        """Return the answer to a vendor request."""

    def control_out(self, request: int, *, value: int = 0) -> None:
        """Send a vendor request."""

    def upload(self, data: bytes, deadline_s: float) -> None:
        """Send by bulk OUT."""

    def read(self, timeout_s: float) -> memoryview:
        """Return what bulk IN brought; empty after the timeout."""

    def clear_halt(self) -> None:
        """Lift the halt of bulk IN."""

    def close(self) -> None:
        """Release the device."""


class DeviceLink:
    """Asks, tells and checks; keeps no state of the device."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def negotiate(self) -> None:
        """Agree on a protocol version.

        Raises
        ------
        DeviceFailedError
            If the device speaks none that this driver speaks.
        """
        with self._explained("agree on a protocol version"):
            versions = VersionRange.unpack(
                self._transport.control_in(Request.GET_VERSION, length=8)
            )
        version = versions.common()
        if version is None:
            side = "this package" if versions.oldest > PROTOCOL_VERSION else "the device's firmware"
            raise DeviceFailedError(
                f"the device speaks protocol versions {versions.oldest} to {versions.newest}, this "
                f"driver speaks {PROTOCOL_VERSION}: update {side}"
            )
        with self._explained("select a protocol version"):
            self._transport.control_out(Request.SELECT_VERSION, value=version)

    def description(self) -> DeviceDescription:
        """Return who the device is and what it can do."""
        with self._explained("describe itself"):
            return DeviceDescription.unpack(self._message(MessageType.DESCRIPTION))

    def settings(self) -> SequenceSettings:
        """Return the sequence that is set."""
        with self._explained("report its sequence"):
            settings = SequenceSettings.unpack(self._message(MessageType.SEQUENCE))
        if settings.data_type is None:
            raise DeviceFailedError("the device did not say which samples it sends")
        return settings

    def configure(self, request: SequenceSettings) -> SequenceSettings:
        """Upload a sequence and return what was really set."""
        deadline_s = time.monotonic() + CONFIGURE_TIMEOUT_S
        message = request.pack()
        # An upload that was cut off is forgotten by a stop.
        self.stop()
        with self._explained("take the sequence"):
            self._transport.upload(message, deadline_s)
        self._await_upload(
            lambda status: status.configuration_id == request.configuration_id,
            "sequence",
            deadline_s,
        )
        settings = self.settings()
        if settings.configuration_id != request.configuration_id:
            raise DeviceFailedError(
                f"the device reports sequence {settings.configuration_id}, not the one that was "
                f"uploaded, {request.configuration_id}: configure again, or update its firmware"
            )
        return settings

    def device_settings(self) -> DeviceSettings:
        """Return how trigger lines and watchdog are set."""
        with self._explained("report its settings"):
            return DeviceSettings.unpack(self._message(MessageType.SETTINGS))

    def set_up(self, request: DeviceSettings) -> DeviceSettings:
        """Upload settings of trigger lines and watchdog, and return what was really set."""
        deadline_s = time.monotonic() + CONFIGURE_TIMEOUT_S
        self.stop()
        with self._explained("take its settings"):
            self._transport.upload(request.pack(), deadline_s)
        self._await_upload(
            lambda status: status.settings_id == request.settings_id, "settings", deadline_s
        )
        return self.device_settings()

    def set_power(self, power: PowerCode) -> None:
        """Freeze the device, put it into standby, or make it active."""
        with self._explained("change its power state"):
            self._transport.control_out(Request.SET_POWER, value=power)

    def keep_alive(self) -> None:
        """Let the device hear of its host."""
        with self._explained("listen"):
            self._transport.control_out(Request.KEEP_ALIVE)

    def self_test(self, timeout_s: float) -> SelfTest:
        """Let the device test its elements and cable, and return what it found."""
        deadline_s = time.monotonic() + timeout_s
        before = self.status().self_test_id
        with self._explained("test itself"):
            self._transport.control_out(Request.START_SELF_TEST)
        while (status := self.status()).self_test_id == before or (
            status.self_test is SelfTestState.RUNNING
        ):
            if time.monotonic() > deadline_s:
                raise DeviceTimeoutError(
                    f"the self-test did not end within {timeout_s:g} s: allow a longer timeout_s"
                )
            time.sleep(_POLL_S)
        if status.self_test is not SelfTestState.DONE:
            raise DeviceFailedError(f"the self-test could not be made: {self.last_error()}")
        with self._explained("report its self-test"):
            return ElementTests.unpack(self._message(MessageType.SELF_TEST)).found

    def _await_upload(
        self, is_dealt_with: Callable[[DeviceStatus], bool], what: str, deadline_s: float
    ) -> None:
        while not is_dealt_with(status := self.status()) or (
            status.state is DeviceState.CONFIGURING
        ):
            if time.monotonic() > deadline_s:
                raise DeviceTimeoutError(
                    f"the device did not set the {what} within {CONFIGURE_TIMEOUT_S} s"
                )
            time.sleep(_POLL_S)
        if status.result is not ErrorCode.NONE:
            raise DeviceFailedError(f"the device refused the {what}: {self.last_error()}")

    def start(self, run: int) -> None:
        """Start sending data; packets carry ``run``."""
        with self._explained("start"):
            self._transport.control_out(Request.START, value=run)

    def stop(self) -> None:
        """Stop sending data."""
        with self._explained("stop"):
            self._transport.control_out(Request.STOP)

    def status(self) -> DeviceStatus:
        """Return the device's status."""
        with self._explained("report its status"):
            answer = self._transport.control_in(Request.GET_STATUS, length=DeviceStatus.N_BYTES)
            return DeviceStatus.unpack(answer)

    def last_error(self) -> str:
        """Return the device's words for its last error."""
        error = self._error()
        if error is None:
            return "it gives no reason"
        return error.text or error.code.name.lower().replace("_", " ")

    def _error(self) -> DeviceError | None:
        try:
            answer = self._transport.control_in(Request.GET_ERROR, length=DeviceError.N_BYTES_MAX)
            return DeviceError.unpack(answer)
        except (EndpointStalledError, DataDamagedError):
            return None

    @contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        try:
            yield
        except EndpointStalledError as error:
            code = getattr(self._error(), "code", None)
            kind = _REFUSALS.get(code, DeviceFailedError)  # type: ignore[arg-type]  # None is none
            raise kind(f"the device refused to {verb}: {self.last_error()}") from error
        except DataDamagedError as error:
            raise DeviceFailedError(
                f"the device broke the protocol when asked to {verb}: {error}; update its firmware"
            ) from error

    def _message(self, kind: MessageType) -> bytes:
        deadline_s = time.monotonic() + MESSAGE_TIMEOUT_S
        message = bytearray(self._page(kind, 0))
        n_bytes = message_length(bytes(message))
        while len(message) < n_bytes:
            if time.monotonic() > deadline_s:
                raise DeviceTimeoutError(f"a message did not come within {MESSAGE_TIMEOUT_S} s")
            if len(message) % PAGE_BYTES:
                raise DataDamagedError("a page is shorter than it must be")
            message += self._page(kind, len(message) // PAGE_BYTES)
        return bytes(message)

    def _page(self, kind: MessageType, page: int) -> bytes:
        return self._transport.control_in(
            Request.READ_MESSAGE, value=kind, index=page, length=PAGE_BYTES
        )
