from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import DataDamagedError
from usdk.export.lines.line import Answer
from usdk.export.lines.stow_answer import read_stow_answer

JSON, XML = "application/dicom+json", "application/dicom+xml"


def _json(stored=(), failed=()):
    def item(uid, tag, code):
        values = {"00081155": {"vr": "UI", "Value": [uid]}}
        return values | ({} if code is None else {tag: {"vr": "US", "Value": [code]}})

    document = {
        "00081199": {"vr": "SQ", "Value": [item(u, "00081196", c) for u, c in stored]},
        "00081198": {"vr": "SQ", "Value": [item(u, "00081197", c) for u, c in failed]},
    }
    return json.dumps(document).encode()


def _xml(stored=(), failed=(), extra=""):
    def sequence(tag, code_tag, entries):
        items = ""
        for number, (uid, code) in enumerate(entries, start=1):
            items += f'<Item number="{number}">'
            items += f'<DicomAttribute tag="00081155" vr="UI"><Value number="1">{uid}</Value>'
            items += "</DicomAttribute>"
            if code is not None:
                items += f'<DicomAttribute tag="{code_tag}" vr="US"><Value number="1">{code}'
                items += "</Value></DicomAttribute>"
            items += "</Item>"
        return f'<DicomAttribute tag="{tag}" vr="SQ">{items}</DicomAttribute>'

    body = sequence("00081199", "00081196", stored) + sequence("00081198", "00081197", failed)
    return f'<?xml version="1.0"?>{extra}<NativeDicomModel>{body}</NativeDicomModel>'.encode()


@pytest.mark.parametrize(("kind", "make"), [(JSON, _json), (XML, _xml)])
def test_each_object_gets_its_own_word(kind, make):
    body = make(
        stored=[("1.1", None), ("1.2", 0xB000)],
        failed=[("1.3", 0xA700), ("1.4", 0x0122), ("1.5", 0x0111), ("1.6", None), ("1.7", 0xC122)],
    )
    uids = [f"1.{n}" for n in range(1, 9)]
    answers = read_stow_answer(kind, body, uids)
    assert [one.sop_instance_uid for one in answers] == uids
    assert [one.answer for one in answers] == [
        Answer.ACCEPTED,
        Answer.ACCEPTED,
        Answer.NOT_NOW,
        Answer.REFUSED,
        Answer.ACCEPTED,
        Answer.NOT_NOW,
        Answer.REFUSED,
        Answer.NOT_NOW,
    ]
    assert "0xB000" in answers[1].reason
    assert "transfer syntax" in answers[6].reason
    assert "does not name it" in answers[7].reason


def test_failure_outweighs_success():
    body = _json(stored=[("1.1", None)], failed=[("1.1", 0x0122)])
    assert read_stow_answer(JSON, body, ["1.1"])[0].answer is Answer.REFUSED


def test_an_array_of_one_and_namespaces_are_understood():
    body = b"[" + _json(stored=[("1.1", None)]) + b"]"
    assert read_stow_answer(JSON, body, ["1.1"])[0].answer is Answer.ACCEPTED
    spaced = _xml(stored=[("1.1", None)]).replace(
        b"<NativeDicomModel>",
        b'<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">',
    )
    assert read_stow_answer("", spaced, ["1.1"])[0].answer is Answer.ACCEPTED


@pytest.mark.parametrize(
    "extra",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
    ],
)
def test_document_types_are_refused(extra):
    with pytest.raises(DataDamagedError, match="document type"):
        read_stow_answer(XML, _xml(stored=[("1.1", None)], extra=extra), ["1.1"])


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"3", b'{"00081199": {"Value": [{}]}}', b"[" * 100_000, b"<a><b></a>"),
        b"\xff",
        _json(stored=[("1.1", math.inf)]),
    ],
)
def test_what_is_no_answer_is_said(body):
    for kind in (JSON, XML):
        with pytest.raises(DataDamagedError):
            read_stow_answer(kind, body, ["1.1"])


def test_nested_without_end_is_refused():
    with pytest.raises(DataDamagedError, match="deep"):
        read_stow_answer(XML, b"<a>" * 10_000, ["1.1"])


@given(st.binary(max_size=200))
def test_arbitrary_bytes_accept_nothing(body):
    for kind in (JSON, XML, ""):
        try:
            (answer,) = read_stow_answer(kind, body, ["1.2.3"])
        except DataDamagedError:
            continue
        assert answer.answer is Answer.NOT_NOW
