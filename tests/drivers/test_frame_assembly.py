from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NoReturn

import numpy as np
import pytest

from usdk.acquisition import Acquisition, Gap
from usdk.errors import ArgumentError, DeviceFailedError
from usdk_drivers.frame_assembly import (
    MAX_FRAMES_MISSED,
    MAX_READ_BYTES,
    FrameAssembler,
    require_readable,
)
from usdk_drivers.simulator import RecordingEngine
from usdk_drivers.wire import (
    Damage,
    DamageReason,
    DataType,
    PacketDecoder,
    PacketFlag,
    PacketHeader,
    SequenceSettings,
    encode_packet,
)

RUN = 3


@pytest.fixture
def settings(recording: Callable[..., Acquisition]) -> SequenceSettings:
    settings = RecordingEngine(recording()).settings
    assert settings is not None
    return settings


def packet(settings: SequenceSettings, frame: int, transmit: int, **more: object) -> bytes:
    fields: dict[str, object] = {
        "configuration_id": settings.configuration_id,
        "run": RUN,
        "packet_number": 3 * frame + transmit,
        "frame_number": frame,
        "transmit_index": transmit,
        "data_type": DataType.INT16,
        "n_elements": 4,
        "n_samples": 16,
        "device_timestamp_ns": 1000 * frame + transmit,
    } | more
    header = PacketHeader(**fields)  # type: ignore[arg-type]
    if header.n_samples == 0:
        return encode_packet(header)
    shape = (header.n_elements, header.n_samples)
    return encode_packet(
        header, np.full(shape, 10 * frame % 100 + transmit, header.data_type.dtype)
    )


def assembled(
    settings: SequenceSettings, packets: Iterable[bytes], n_frames: int = 9
) -> FrameAssembler:
    assembler = FrameAssembler(settings, RUN)
    assembler.begin(n_frames)
    decoder = PacketDecoder(assembler.slot)
    feed(assembler, decoder, packets)
    return assembler


def feed(assembler: FrameAssembler, decoder: PacketDecoder, packets: Iterable[bytes]) -> None:
    for whole in packets:
        decoder.receive(whole)
        while (event := decoder.next_event()) is not None:
            assembler.take(event)


def test_transmits_may_come_in_any_order(settings: SequenceSettings) -> None:
    order = [(0, 2), (0, 0), (0, 1), (1, 1), (1, 0), (1, 2)]
    assembler = assembled(settings, (packet(settings, *place) for place in order))
    data, numbers, device_s, _ = assembler.frames()
    assert data[:, :, 0, 0].tolist() == [[0, 1, 2], [10, 11, 12]]
    assert numbers.tolist() == [0, 1]
    assert device_s == pytest.approx([0.0, 1e-6])
    assert assembler.gaps == []


def test_duplicates_late_packets_and_those_of_another_run_are_ignored(
    settings: SequenceSettings,
) -> None:
    packets = [
        packet(settings, 0, 0),
        packet(settings, 0, 0),
        packet(settings, 0, 1, run=RUN - 1),
        packet(settings, 0, 1, configuration_id=99),
        packet(settings, 0, 1, n_samples=15),
        packet(settings, 0, 1, data_type=DataType.FLOAT32),
        packet(settings, 0, 3),
        packet(settings, 0, 1),
        packet(settings, 0, 2),
        packet(settings, 0, 1),
    ]
    assembler = assembled(settings, packets)
    assert assembler.n_whole == 1
    assert assembler.n_packets_ignored == 7
    assert assembler.frames()[0][0, :, 0, 0].tolist() == [0, 1, 2]
    assert (assembler.n_packets_lost, assembler.n_packets_damaged) == (0, 0)


def test_a_frame_half_received_is_finished_by_the_next_read(settings: SequenceSettings) -> None:
    assembler = FrameAssembler(settings, RUN)
    decoder = PacketDecoder(assembler.slot)
    assembler.begin(2)
    whole = packet(settings, 0, 1)
    feed(assembler, decoder, [packet(settings, 0, 0), whole[:100]])
    assert assembler.n_whole == 0
    assembler.begin(1)
    feed(assembler, decoder, [whole[100:], packet(settings, 0, 2)])
    assert assembler.frames()[0][0, :, 3, 15].tolist() == [0, 1, 2]


def test_a_frame_that_never_begins_is_lost_when_a_later_one_does(
    settings: SequenceSettings,
) -> None:
    assembler = assembled(settings, [packet(settings, 5, transmit) for transmit in range(3)])
    assert assembler.gaps == [Gap(first_sequence_number=0, n_frames=5, n_packets_lost=15)]


def test_damage_without_a_header_is_one_of_the_missing_packets(
    settings: SequenceSettings,
) -> None:
    assembler = assembled(settings, [packet(settings, 0, 0)])
    assembler.take(Damage(DamageReason.HEADER))
    feed(assembler, PacketDecoder(assembler.slot), [packet(settings, 1, 0)])
    (gap,) = assembler.gaps
    assert (gap.n_packets_lost, gap.n_packets_damaged) == (1, 1)


def test_damage_that_cost_nothing_is_not_held_against_a_later_loss(
    settings: SequenceSettings,
) -> None:
    assembler = FrameAssembler(settings, RUN)
    assembler.begin(9)
    assembler.take(Damage(DamageReason.GARBAGE))
    packets = [packet(settings, 0, transmit) for transmit in range(3)] + [packet(settings, 2, 0)]
    feed(assembler, PacketDecoder(assembler.slot), packets)
    assert assembler.gaps == [Gap(first_sequence_number=1, n_frames=1, n_packets_lost=3)]


def test_the_end_closes_what_is_open(settings: SequenceSettings) -> None:
    end = packet(settings, 2, 0, n_elements=0, n_samples=0, flags=PacketFlag.END_OF_DATA)
    assembler = assembled(settings, [packet(settings, 0, 0), end])
    assert assembler.has_ended
    assert assembler.gaps == [Gap(first_sequence_number=0, n_frames=2, n_packets_lost=5)]


def test_a_frame_number_that_leaps_is_one_gap(settings: SequenceSettings) -> None:
    packets = [
        packet(settings, frame, t, device_timestamp_ns=0)
        for frame in (2**62, 2**62 + 1)
        for t in range(3)
    ]
    assembler = assembled(settings, packets)
    # A packet alone is not believed; the frame that it begins is lost, too.
    assert assembler.n_frames_lost == 2**62 + 1
    assert assembler.frames()[1].tolist() == [2**62 + 1]
    assert len(assembler.gaps) == 1


@pytest.mark.parametrize("leap", [MAX_FRAMES_MISSED + 2, 2**31, 2**62])
@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_single_number_that_leaps_costs_its_own_frame_alone(
    settings: SequenceSettings, leap: int, is_damaged: bool
) -> None:
    strange = bytearray(packet(settings, leap, 1, device_timestamp_ns=0))
    strange[-1] ^= is_damaged
    whole = [packet(settings, frame, t) for frame in range(4) for t in range(3)]
    assembler = assembled(settings, [*whole[:4], bytes(strange), *whole[5:]])
    assert assembler.frames()[1].tolist() == [0, 2, 3]
    assert (assembler.n_frames_lost, assembler.n_packets_lost) == (1, 1)


def test_an_end_after_more_frames_than_can_be_is_a_failed_device(
    settings: SequenceSettings,
) -> None:
    assembler = assembled(settings, [packet(settings, 0, t) for t in range(3)])
    with pytest.raises(DeviceFailedError, match="18446744073709551615 frames"):
        assembler.finish(2**64 - 1)
    assert assembler.has_ended
    assert assembler.n_frames_lost == 0


def test_more_than_the_limit_is_not_allocated(settings: SequenceSettings) -> None:
    with pytest.raises(ArgumentError, match=str(MAX_READ_BYTES)):
        FrameAssembler(settings, RUN).begin(MAX_READ_BYTES)


def test_a_frame_that_no_read_holds_is_refused_with_advice() -> None:
    n_samples = MAX_READ_BYTES // (128 * 64 * 2)
    require_readable((64, 128, n_samples), 2)
    with pytest.raises(ArgumentError, match="less depth or fewer transmits"):
        require_readable((64, 128, n_samples + 1), 2)


def test_memory_that_is_not_there_is_an_error_with_advice(settings: SequenceSettings) -> None:
    def none(*shape: object) -> NoReturn:
        raise MemoryError

    assembler = FrameAssembler(settings, RUN)
    assembler._new = none
    with pytest.raises(ArgumentError, match=r"no memory for 2 frames .* read fewer"):
        assembler.begin(2)
