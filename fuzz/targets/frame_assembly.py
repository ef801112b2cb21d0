"""Frames from packets: a frame is whole or a gap, once, and the counters add up."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from wire_seals import seal_packets

from usdk.acquisition import Gap
from usdk.errors import DeviceFailedError
from usdk.sequences import plane_waves
from usdk_drivers.frame_assembly import FrameAssembler
from usdk_drivers.wire import (
    DataType,
    Packet,
    PacketDecoder,
    PacketFlag,
    PacketHeader,
    SequenceSettings,
    encode_packet,
)

_RUN = 3
_N_TRANSMITS, _N_ELEMENTS, _N_SAMPLES = 3, 4, 2
_FRAMES_A_READ = 2


def _settings(apertures: tuple[tuple[int, int], ...] | None) -> SequenceSettings:
    return SequenceSettings(
        configuration_id=7,
        sequence=plane_waves(np.linspace(-5, 5, _N_TRANSMITS), prf_hz=4e3),
        delays_s=np.zeros((_N_TRANSMITS, _N_ELEMENTS)),
        first_sample_s=(0.0,) * _N_TRANSMITS,
        sampling_frequency_hz=20e6,
        n_samples=_N_SAMPLES,
        sound_speed_m_s=1540.0,
        data_type=DataType.INT16,
        apertures=apertures,
    )


_VARIANTS = (_settings(None), _settings(((0, 2), (1, 4), (0, 4))))


def _packet(settings: SequenceSettings, frame: int, transmit: int) -> bytes:
    first, stop = settings.aperture(transmit)
    header = PacketHeader(
        configuration_id=7,
        run=_RUN,
        packet_number=frame * _N_TRANSMITS + transmit,
        frame_number=frame,
        transmit_index=transmit,
        data_type=DataType.INT16,
        n_elements=stop - first,
        n_samples=_N_SAMPLES,
        device_timestamp_ns=frame,
    )
    return encode_packet(header, np.full((stop - first, _N_SAMPLES), frame, np.int16))


WEIGHT = 3
"""Share of a campaign's time, where others have 1."""

MAX_INPUT_BYTES = 2048
"""Cut into chunks of a byte, longer ones take long and tell no more."""


def seeds() -> list[bytes]:
    """Return runs of five frames with both apertures, whole and with packets missing."""
    found = []
    for variant, settings in enumerate(_VARIANTS):
        packets = [
            _packet(settings, frame, transmit) for frame in range(5) for transmit in range(3)
        ]
        end = PacketHeader(
            configuration_id=7,
            run=_RUN,
            packet_number=15,
            frame_number=5,
            transmit_index=0,
            data_type=DataType.INT16,
            n_elements=0,
            n_samples=0,
            device_timestamp_ns=0,
            flags=PacketFlag.END_OF_DATA,
        )
        head = bytes((variant, 200))
        found.append(head + b"".join(packets) + encode_packet(end))
        found.append(head + b"".join(packets[1:4] + packets[6:]))
    return found


def one_input(data: bytes) -> None:
    """Assemble as a front-end does, two frames a read, and count."""
    if len(data) < 2:
        return
    stream = seal_packets(data[2:])
    assembler = FrameAssembler(_VARIANTS[data[0] % len(_VARIANTS)], _RUN)
    decoder = PacketDecoder(assembler.slot, max_payload_bytes=assembler.payload_bytes)
    numbers: list[int] = []
    gaps: list[Gap] = []
    assembler.begin(_FRAMES_A_READ)
    n_bytes = data[1] + 1
    for place in range(0, len(stream), n_bytes):
        decoder.receive(stream[place : place + n_bytes])
        while (event := decoder.next_event()) is not None:
            try:
                assembler.take(event)
            except DeviceFailedError:
                # An end that cannot be ends the run, and closes no frame.
                assert assembler.has_ended
            if isinstance(event, Packet) and event.payload is not None:
                assert len(event.payload) <= assembler.payload_bytes
            if assembler.n_whole == _FRAMES_A_READ or assembler.has_ended:
                numbers += _taken(assembler, gaps)
                assembler.begin(_FRAMES_A_READ)
    numbers += _taken(assembler, gaps)
    assert all(one < other for one, other in pairwise(numbers))
    assert assembler.n_frames_received == len(numbers)
    assert assembler.n_frames_lost == sum(gap.n_frames for gap in gaps)
    assert assembler.n_packets_lost == sum(gap.n_packets_lost for gap in gaps)
    assert assembler.n_packets_damaged == sum(gap.n_packets_damaged for gap in gaps)
    assert min((gap.n_packets_lost for gap in gaps), default=0) >= 0
    for gap in gaps:
        stop = gap.first_sequence_number + gap.n_frames
        assert not any(gap.first_sequence_number <= number < stop for number in numbers)


def _taken(assembler: FrameAssembler, gaps: list[Gap]) -> list[int]:
    samples, numbers, *_ = assembler.frames()
    assert samples.shape[1:] == (_N_TRANSMITS, _N_ELEMENTS, _N_SAMPLES)
    gaps += assembler.gaps
    assembler.gaps = []
    return [int(number) for number in numbers]
