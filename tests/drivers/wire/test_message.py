from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import DataDamagedError
from usdk_drivers.wire import (
    MAX_MESSAGE_BYTES,
    MESSAGE_HEADER_BYTES,
    MessageType,
    frame_message,
    message_length,
    unframe_message,
)

BODY = b"a body of some length"


def test_a_body_comes_back() -> None:
    message = frame_message(MessageType.SEQUENCE, BODY)
    assert message_length(message[:MESSAGE_HEADER_BYTES]) == len(message)
    assert bytes(unframe_message(MessageType.SEQUENCE, message)) == BODY


def test_another_type_is_refused() -> None:
    with pytest.raises(DataDamagedError, match="type"):
        unframe_message(MessageType.DESCRIPTION, frame_message(MessageType.SEQUENCE, BODY))


def test_every_flipped_bit_is_refused() -> None:
    message = frame_message(MessageType.SEQUENCE, BODY)
    for bit in range(8 * len(message)):
        spoilt = bytearray(message)
        spoilt[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DataDamagedError):
            unframe_message(MessageType.SEQUENCE, bytes(spoilt))


def test_a_length_beyond_the_limit_is_refused_before_it_is_waited_for() -> None:
    head = bytearray(frame_message(MessageType.SEQUENCE, BODY)[:MESSAGE_HEADER_BYTES])
    head[8:12] = (MAX_MESSAGE_BYTES + 1).to_bytes(4, "little")
    with pytest.raises(DataDamagedError, match="limit"):
        message_length(bytes(head))


@given(st.binary(max_size=40))
def test_any_bytes_are_refused(message: bytes) -> None:
    with pytest.raises(DataDamagedError):
        unframe_message(MessageType.DESCRIPTION, message)
