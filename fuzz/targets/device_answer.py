"""What a device says that it set: refused by type, or frames can be made as it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from wire_seals import seal_message

from usdk.errors import ArgumentError, DataDamagedError, DeviceFailedError
from usdk.probe import Probe
from usdk_drivers.frame_assembly import FrameAssembler
from usdk_drivers.sequence_mapping import configuration_of
from usdk_drivers.wire import MESSAGE_HEADER_BYTES, MessageType, SequenceSettings

_VECTORS = Path(__file__).parents[2] / "tests" / "data" / "wire" / "vectors.json"
_PROBE = Probe.linear(
    "L3", n_elements=3, pitch_m=3e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.7
)


def seeds() -> list[bytes]:
    """Return the body of the protocol's test vector."""
    vectors = json.loads(_VECTORS.read_text())
    return [bytes.fromhex(vectors["sequence"])[MESSAGE_HEADER_BYTES:]]


def one_input(data: bytes) -> None:
    """Read, map to a configuration, and make room for a frame."""
    message = seal_message(MessageType.SEQUENCE, data)
    try:
        settings = SequenceSettings.unpack(message)
        configuration = configuration_of(settings, _PROBE)
        assert len(configuration.sequence) == settings.delays_s.shape[0]
        assert np.isfinite(configuration.receive.time_zero_s).all()
        FrameAssembler(settings, 1).begin(1)
    except (ArgumentError, DataDamagedError, DeviceFailedError):
        return
