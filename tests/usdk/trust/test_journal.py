from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import ArgumentError, DataDamagedError
from usdk.trust import dev_signer
from usdk.trust.journal import (
    FIRST_PREVIOUS,
    MAX_LINE_BYTES,
    JournalEvent,
    JournalRecord,
    chain,
    decode_record,
    encode_record,
    sign_head,
    verify_chain,
)

TIME = "2026-01-01T00:00:00.000+00:00"


def records(n: int) -> list[JournalRecord]:
    found: list[JournalRecord] = []
    for number in range(1, n + 1):
        event = JournalEvent("add", "unit", TIME, f"1.2.{number}", {"bytes": "7"}, number)
        found.append(chain(found[-1] if found else None, event))
    return found


def lines(n: int) -> list[bytes]:
    return [encode_record(record) for record in records(n)]


def test_a_chain_is_whole_and_its_head_the_last_digest() -> None:
    report = verify_chain(lines(5))
    assert report.is_whole
    assert (report.n_records, report.head) == (5, records(5)[-1].digest)
    assert verify_chain([]).head == FIRST_PREVIOUS


@given(st.text(max_size=30), st.dictionaries(st.text(max_size=9), st.text(max_size=30), max_size=4))
def test_any_text_comes_back_as_it_was(actor: str, detail: dict[str, str]) -> None:
    record = chain(None, JournalEvent("add", actor, TIME, detail=detail))
    assert decode_record(encode_record(record)) == record


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_bit_that_changes_breaks_the_chain(place: int, bit: int) -> None:
    whole = bytearray(b"".join(lines(4)))
    whole[place % len(whole)] ^= 1 << bit
    assert not verify_chain(bytes(whole).splitlines(keepends=True)).is_whole


@given(st.permutations(range(5)))
def test_records_that_are_moved_break_the_chain(order: list[int]) -> None:
    moved = [lines(5)[index] for index in order]
    assert verify_chain(moved).is_whole == (order == sorted(order))


@pytest.mark.parametrize("missing", range(4))
def test_a_record_that_is_missing_breaks_the_chain(missing: int) -> None:
    rest = lines(5)
    del rest[missing]
    assert not verify_chain(rest).is_whole


def test_a_record_forged_with_its_digest_breaks_the_next() -> None:
    chained = records(3)
    forged = chain(chained[0], dataclasses.replace(chained[1].event, actor="nobody"))
    report = verify_chain([encode_record(one) for one in (chained[0], forged, chained[2])])
    assert "record 3" in report.problems[0]


def test_an_end_that_was_cut_off_shows_by_a_head_kept_elsewhere() -> None:
    head = records(5)[-1].digest
    assert verify_chain(lines(4)).is_whole
    assert "cut off" in verify_chain(lines(4), known_heads=[head]).problems[0]
    assert verify_chain(lines(5), known_heads=[head]).is_whole


def test_a_signature_holds_and_a_foreign_or_moved_one_does_not() -> None:
    signer = dev_signer()
    chained = records(3)
    signed = sign_head(chained[-1], signer, actor="unit", time=TIME)
    whole = [encode_record(one) for one in (*chained, signed)]
    report = verify_chain(whole, certificates_der=[signer.certificate_der])
    assert report.is_whole
    assert (report.n_signatures, report.last_signed) == (1, 4)
    assert "not named" in verify_chain(whole, certificates_der=[b"other"]).problems[0]
    other = chain(chained[0], signed.event)
    report = verify_chain([encode_record(chained[0]), encode_record(other)])
    assert "not of the record before" in report.problems[0]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"{}\n",
        b"[]\n",
        b"null\n",
        b"\xff\xfe\n",
        b"[" * 9000 + b"\n",
        b"x" * (MAX_LINE_BYTES + 1),
    ],
)
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(DataDamagedError):
        decode_record(line)


def test_another_form_of_the_same_record_is_refused() -> None:
    spaced = json.dumps(json.loads(lines(1)[0])).encode() + b"\n"
    with pytest.raises(DataDamagedError, match="changed"):
        decode_record(spaced)


def test_events_come_in_order_once_and_in_bounds() -> None:
    (record,) = records(1)
    with pytest.raises(ArgumentError, match="already"):
        chain(record, record.event)
    with pytest.raises(ArgumentError, match="shorten"):
        chain(None, JournalEvent("x", "y", TIME, detail={"long": "x" * MAX_LINE_BYTES}))
    own = chain(record, JournalEvent("torn end cut", "unit", TIME))
    assert own.event.number == record.event.number
