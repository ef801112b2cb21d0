"""The DESCRIPTION message: who the device is, what it can do, and which probe it carries."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from usdk.acquisition import DeviceInfo
from usdk.errors import ArgumentError, DataDamagedError
from usdk.front_end import Capabilities
from usdk.probe import MAX_ELEMENTS, ArrayKind, Probe
from usdk_drivers.wire.fields import FieldReader, pack_array, pack_string
from usdk_drivers.wire.message import MessageType, frame_message, unframe_message
from usdk_drivers.wire.protocol import MAX_SAMPLING_FREQUENCIES

__all__ = ["DeviceDescription"]

_CAPABILITIES = "IIIIdHH"
_FIXED_SEQUENCE = 1
_PROBE = "B3xIddddddd"
# The order is the wire's: append, never insert.
_KINDS = (
    ArrayKind.OTHER,
    ArrayKind.LINEAR,
    ArrayKind.CURVED,
    ArrayKind.PHASED,
    ArrayKind.MATRIX,
)


@dataclass(frozen=True, eq=False)
class DeviceDescription:
    """What a device says of itself; it does not change while the device is open."""

    info: DeviceInfo
    capabilities: Capabilities
    probe: Probe

    def pack(self) -> bytes:
        """Return the whole message."""
        can = self.capabilities
        rates_hz = can.sampling_frequencies_hz
        if len(rates_hz) > MAX_SAMPLING_FREQUENCIES:
            raise ArgumentError(f"at most {MAX_SAMPLING_FREQUENCIES} sampling frequencies")
        info = self.info
        strings = (info.manufacturer, info.model, info.serial_number, info.firmware_version)
        body = b"".join(map(pack_string, strings))
        body += struct.pack(
            "<" + _CAPABILITIES,
            can.n_transmit_channels,
            can.n_receive_channels,
            can.max_samples,
            can.max_transmits,
            can.max_prf_hz,
            _FIXED_SEQUENCE if can.sequence_is_fixed else 0,
            len(rates_hz),
        )
        body += struct.pack(f"<{len(rates_hz)}d", *rates_hz)
        return frame_message(MessageType.DESCRIPTION, body + _pack_probe(self.probe))

    @classmethod
    def unpack(cls, message: bytes | memoryview) -> DeviceDescription:
        """Return the description; `DataDamagedError` if the message is none."""
        reader = FieldReader(unframe_message(MessageType.DESCRIPTION, message))
        try:
            manufacturer, model, serial, firmware = (reader.string() for _ in range(4))
            transmit, receive, samples, transmits, prf_hz, flags, n_rates = reader.unpack(
                _CAPABILITIES
            )
            if n_rates > MAX_SAMPLING_FREQUENCIES:
                raise DataDamagedError(f"{n_rates} sampling frequencies are too many")
            capabilities = Capabilities(
                n_transmit_channels=transmit,
                n_receive_channels=receive,
                sampling_frequencies_hz=reader.unpack(f"{n_rates}d"),
                max_samples=samples,
                max_transmits=transmits,
                max_prf_hz=prf_hz,
                sequence_is_fixed=bool(flags & _FIXED_SEQUENCE),
            )
            _check(capabilities)
            probe = _read_probe(reader)
        except ArgumentError as error:
            raise DataDamagedError(f"the device describes an impossible probe: {error}") from error
        reader.finish()
        info = DeviceInfo(
            manufacturer=manufacturer, model=model, serial_number=serial, firmware_version=firmware
        )
        return cls(info, capabilities, probe)


def _check(can: Capabilities) -> None:
    counts = (
        can.n_transmit_channels,
        can.n_receive_channels,
        can.max_samples,
        can.max_transmits,
        len(can.sampling_frequencies_hz),
    )
    # A recording need not know how fast it was made.
    rates_hz = can.sampling_frequencies_hz + (() if can.sequence_is_fixed else (can.max_prf_hz,))
    if min(counts) < 1 or not all(math.isfinite(rate) and rate > 0 for rate in rates_hz):
        raise DataDamagedError("a capability is zero, negative or not a number")


def _pack_probe(probe: Probe) -> bytes:
    numbers = struct.pack(
        "<" + _PROBE,
        _KINDS.index(probe.kind),
        probe.n_elements,
        probe.centre_frequency_hz,
        probe.fractional_bandwidth,
        probe.pitch_m,
        probe.element_width_m,
        probe.element_height_m,
        probe.radius_m,
        probe.lens_delay_s,
    )
    arrays = pack_array(probe.element_positions_m) + pack_array(probe.element_normals)
    return pack_string(probe.name) + numbers + arrays


def _read_probe(reader: FieldReader) -> Probe:
    name = reader.string()
    kind, n_elements, *numbers = reader.unpack(_PROBE)
    if kind >= len(_KINDS) or not 1 <= n_elements <= MAX_ELEMENTS:
        raise DataDamagedError(f"a probe of kind {kind} with {n_elements} elements")
    frequency_hz, bandwidth, pitch_m, width_m, height_m, radius_m, lens_s = numbers
    return Probe(
        name=name,
        kind=_KINDS[kind],
        element_positions_m=reader.array(n_elements, 3),
        element_normals=reader.array(n_elements, 3),
        centre_frequency_hz=frequency_hz,
        fractional_bandwidth=bandwidth,
        pitch_m=pitch_m,
        element_width_m=width_m,
        element_height_m=height_m,
        radius_m=radius_m,
        lens_delay_s=lens_s,
    )
