from __future__ import annotations

import pytest
from usdk_pulser.protocol import Kind, Message, MessageDecoder, encode_message

from usdk.errors import DataDamagedError

REPLY = Message(Kind.REPLY, b"ok SN-00042 1.2")
ECHO = Message(Kind.ECHO, bytes(range(20)), number=7, time_ns=1_000_000_007)


@pytest.mark.parametrize("n_bytes", [1, 3, 28, 1000])
def test_messages_come_whole_whatever_the_chunks(n_bytes: int) -> None:
    stream = encode_message(REPLY) + encode_message(ECHO)
    decoder, found = MessageDecoder(), []
    for place in range(0, len(stream), n_bytes):
        decoder.receive(stream[place : place + n_bytes])
        while (message := decoder.next_message()) is not None:
            found.append(message)
    assert found == [REPLY, ECHO]


def test_the_bytes_are_those_of_the_data_sheet() -> None:
    head = "50554c53 02 000000 07000000 07ca9a3b00000000 02000000 9242ccb6"
    assert encode_message(Message(Kind.ECHO, b"\x01\x02", 7, 1_000_000_007)) == bytes.fromhex(
        head.replace(" ", "") + "0102"
    )


def test_a_wrong_bit_is_seen_and_the_next_message_is_whole() -> None:
    spoilt = bytearray(encode_message(ECHO))
    spoilt[-1] ^= 1
    decoder = MessageDecoder()
    decoder.receive(bytes(spoilt) + encode_message(REPLY))
    damaged = decoder.next_message()
    assert damaged is not None
    assert (damaged.is_damaged, damaged.number) == (True, 7)
    assert decoder.next_message() == REPLY


@pytest.mark.parametrize("place", [0, 4, 23])
def test_another_protocol_is_refused(place: int) -> None:
    spoilt = bytearray(encode_message(ECHO))
    spoilt[place] = 0xFF
    decoder = MessageDecoder()
    decoder.receive(bytes(spoilt))
    with pytest.raises(DataDamagedError):
        decoder.next_message()
