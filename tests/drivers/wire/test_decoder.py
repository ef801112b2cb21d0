from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from usdk_drivers.wire import (
    PACKET_HEADER_BYTES,
    Damage,
    DamageReason,
    DataType,
    Packet,
    PacketDecoder,
    PacketHeader,
    encode_packet,
)


@dataclass
class Listener:
    """A decoder fed in chunks from one reused buffer, as a transport does."""

    payloads: dict[int, bytes] = field(default_factory=dict)
    events: list[Packet | Damage] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.decoder = PacketDecoder(self.destination)
        self.largest = 0

    def destination(self, header: PacketHeader) -> memoryview:
        self.largest = max(self.largest, header.payload_bytes)
        return memoryview(bytearray(header.payload_bytes))

    def hear(self, stream: bytes, sizes: list[int]) -> None:
        buffer, position, turn = bytearray(4096), 0, 0
        while position < len(stream):
            size = min(sizes[turn % len(sizes)], len(stream) - position)
            buffer[:size] = stream[position : position + size]
            self.decoder.receive(memoryview(buffer)[:size])
            while (event := self.decoder.next_event()) is not None:
                self.events.append(event)
                if isinstance(event, Packet):
                    assert event.payload is not None
                    self.payloads[event.header.packet_number] = bytes(event.payload)
            buffer[:size] = b"\xaa" * size
            position, turn = position + size, turn + 1

    @property
    def damages(self) -> list[Damage]:
        return [event for event in self.events if isinstance(event, Damage)]


def packet(number: int, n_samples: int = 5) -> bytes:
    random = np.random.default_rng(number)
    samples = random.integers(-(2**15), 2**15, (2, n_samples)).astype(np.int16)
    header = PacketHeader(
        configuration_id=1,
        run=1,
        packet_number=number,
        frame_number=number,
        transmit_index=0,
        data_type=DataType.INT16,
        n_elements=2,
        n_samples=n_samples,
        device_timestamp_ns=0,
    )
    return encode_packet(header, samples)


PACKETS = [packet(number) for number in range(6)]
STREAM = b"".join(PACKETS)
PAYLOADS = {number: whole[PACKET_HEADER_BYTES:] for number, whole in enumerate(PACKETS)}
SIZES = st.lists(st.integers(1, 200), min_size=1, max_size=8)


@given(sizes=SIZES)
def test_any_chunking_gives_every_packet(sizes: list[int]) -> None:
    listener = Listener()
    listener.hear(STREAM, sizes)
    assert listener.payloads == PAYLOADS
    assert listener.damages == []
    assert listener.decoder.n_bytes_discarded == 0


@given(sizes=SIZES, bit=st.integers(0, 8 * len(STREAM) - 1))
def test_a_flipped_bit_costs_its_own_packet_and_no_other(sizes: list[int], bit: int) -> None:
    spoilt = bytearray(STREAM)
    spoilt[bit // 8] ^= 1 << bit % 8
    listener = Listener()
    listener.hear(bytes(spoilt), sizes)
    hit = bit // 8 // len(PACKETS[0])
    assert listener.payloads == {n: p for n, p in PAYLOADS.items() if n != hit}
    assert len(listener.damages) == 1


@given(sizes=SIZES, stream=st.binary(max_size=3000))
def test_any_bytes_are_survived(sizes: list[int], stream: bytes) -> None:
    listener = Listener()
    listener.hear(stream, sizes)
    assert listener.payloads == {}


@given(sizes=SIZES, garbage=st.binary(min_size=1, max_size=300), after=st.integers(0, 5))
def test_garbage_between_packets_costs_none(sizes: list[int], garbage: bytes, after: int) -> None:
    listener = Listener()
    listener.hear(b"".join([*PACKETS[:after], garbage, *PACKETS[after:]]), sizes)
    assert listener.payloads == PAYLOADS
    assert 1 <= len(listener.damages) <= len(garbage)


# Pieces that look like packets lead the search astray far better than random bytes.
PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [b"U", b"US", b"USD", b"USDP", b"USDUSDP", PACKETS[0][:64], PACKETS[1][:50]]
        ),
        st.binary(max_size=12),
        st.integers(0, 5).map(PACKETS.__getitem__),
    ),
    max_size=20,
)


@settings(max_examples=300)
@given(sizes=SIZES, pieces=PIECES)
def test_bytes_like_packets_never_give_a_wrong_payload(
    sizes: list[int], pieces: list[bytes]
) -> None:
    listener = Listener()
    # What follows is long enough to end any packet that was begun.
    listener.hear(b"".join(pieces) + packet(99), sizes)
    for number, payload in listener.payloads.items():
        assert payload == (PAYLOADS | {99: packet(99)[PACKET_HEADER_BYTES:]})[number]
    assert 99 in listener.payloads


@given(sizes=SIZES, number=st.integers(0, 4), n_kept=st.integers(0, len(PACKETS[0]) - 1))
def test_a_truncated_packet_does_not_take_the_next_one_with_it(
    sizes: list[int], number: int, n_kept: int
) -> None:
    stream = b"".join([*PACKETS[:number], PACKETS[number][:n_kept], *PACKETS[number + 1 :]])
    listener = Listener()
    listener.hear(stream, sizes)
    assert listener.payloads == {n: p for n, p in PAYLOADS.items() if n != number}


def test_a_header_that_claims_too_much_allocates_nothing() -> None:
    # Without its checksum such a header cannot be made by damage; a hostile device can.
    listener = Listener()
    header = PacketHeader(
        configuration_id=1,
        run=1,
        packet_number=0,
        frame_number=0,
        transmit_index=0,
        data_type=DataType.COMPLEX64,
        n_elements=16_384,
        n_samples=10_000,
        device_timestamp_ns=0,
    )
    listener.hear(header.pack() + STREAM, [64])
    assert listener.largest == len(PAYLOADS[0])
    assert listener.payloads == PAYLOADS
    assert [damage.reason for damage in listener.damages] == [DamageReason.HEADER]


def test_a_damaged_payload_is_reported_with_its_header() -> None:
    spoilt = bytearray(STREAM)
    spoilt[len(PACKETS[0]) + PACKET_HEADER_BYTES] ^= 1
    listener = Listener()
    listener.hear(bytes(spoilt), [1000])
    (damage,) = listener.damages
    assert damage.reason is DamageReason.PAYLOAD
    assert damage.header is not None
    assert damage.header.packet_number == 1


def test_unwanted_payloads_are_checked_and_forgotten() -> None:
    decoder = PacketDecoder(lambda header: None)
    decoder.receive(STREAM)
    events = [decoder.next_event() for _ in range(7)]
    assert [e.payload for e in events if isinstance(e, Packet)] == [None] * 6
    assert events[-1] is None


def test_a_payload_goes_straight_to_its_destination() -> None:
    target = bytearray(len(PAYLOADS[0]))
    decoder = PacketDecoder(lambda header: memoryview(target))
    decoder.receive(PACKETS[0])
    event = decoder.next_event()
    assert isinstance(event, Packet)
    assert event.payload is not None
    assert event.payload.obj is target
    assert bytes(target) == PAYLOADS[0]


def test_a_reset_forgets_half_a_packet() -> None:
    listener = Listener()
    listener.hear(PACKETS[0][:70], [70])
    listener.decoder.reset()
    listener.hear(STREAM, [1000])
    assert listener.payloads == PAYLOADS
    assert listener.damages == []


def test_packets_within_packets_cannot_multiply_the_work_beyond_one_payload() -> None:
    # Each header is whole and claims all that follows; each payload's checksum is wrong.
    def header(n_samples: int) -> bytes:
        return PacketHeader(
            configuration_id=1,
            run=1,
            packet_number=0,
            frame_number=0,
            transmit_index=0,
            data_type=DataType.INT16,
            n_elements=1,
            n_samples=n_samples,
            device_timestamp_ns=0,
            payload_crc=1,
        ).pack()

    n_headers = 20_000
    stream = b"".join(header(32 * (n_headers - 1 - k)) for k in range(n_headers))
    asked: list[int] = []

    def destination(header: PacketHeader) -> None:
        asked.append(header.payload_bytes)

    decoder = PacketDecoder(destination, max_payload_bytes=len(PAYLOADS[0]))
    decoder.receive(stream + STREAM)
    events = list(iter(decoder.next_event, None))
    assert [e.header.packet_number for e in events if isinstance(e, Packet)] == list(range(6))
    assert max(asked) <= len(PAYLOADS[0])
