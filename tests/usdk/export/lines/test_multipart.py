from __future__ import annotations

import email
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import DataDamagedError
from usdk.export.lines.multipart import Multipart, boundary_of, read_parts


def _body(*contents):
    parts = [(len(content), lambda content=content: io.BytesIO(content)) for content in contents]
    return Multipart(parts)


def _chunks(content, sizes):
    position = 0
    for size in sizes:
        yield content[position : position + size]
        position += size
    yield content[position:]


@given(
    st.lists(st.binary(max_size=300), max_size=4),
    st.lists(st.integers(min_value=0, max_value=40), max_size=60),
)
def test_what_is_written_is_read_however_it_is_cut(contents, sizes):
    body = _body(*contents)
    written = b"".join(body)
    assert len(written) == body.n_bytes
    if not contents:
        return
    parts = read_parts(_chunks(written, sizes), boundary_of(body.content_type))
    assert [b"".join(part.content) for part in parts] == contents


def test_another_reader_reads_it_too():
    body = _body(b"one\r\n--x", b"two\n\n")
    head = f"Content-Type: {body.content_type}\r\n\r\n".encode()
    message = email.message_from_bytes(head + b"".join(body))
    assert [part.get_content_type() for part in message.get_payload()] == ["application/dicom"] * 2
    assert message.get_payload()[0].get_payload(decode=True) == b"one\r\n--x"


def test_a_part_is_typed_without_its_transfer_syntax():
    body = _body(b"x")
    (headers,) = [part.headers for part in read_parts(body, body.boundary.encode())]
    assert headers == {"content-type": "application/dicom"}


def test_a_boundary_is_new_and_32_hexadecimal_digits():
    boundaries = {_body(b"x").boundary for _ in range(20)}
    assert len(boundaries) == 20
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in boundaries)


def test_skipped_parts_are_skipped():
    body = _body(b"a" * 100_000, b"b")
    second = [next(part.content) for part in read_parts(body, body.boundary.encode())][1]
    assert second == b"b"


@given(st.binary(max_size=400), st.integers(min_value=1, max_value=50))
def test_arbitrary_bytes_end_in_a_typed_error_or_an_end(content, size):
    chunks = (content[start : start + size] for start in range(0, len(content), size))
    try:
        for part in read_parts(chunks, b"b"):
            for _ in part.content:
                pass
    except DataDamagedError:
        pass


@pytest.mark.parametrize("n_missing", [1, 2, 5, 40, 60])
def test_a_cut_body_is_said(n_missing):
    body = _body(b"content")
    written = b"".join(body)[:-2][:-n_missing]
    with pytest.raises(DataDamagedError, match="cut"):
        list(read_parts([written], body.boundary.encode()))


def test_a_head_without_end_is_refused():
    with pytest.raises(DataDamagedError, match="within"):
        list(read_parts([b"--b\r\n" + b"X: y\r\n" * 10_000], b"b"))
    with pytest.raises(DataDamagedError, match="within"):
        list(read_parts([b"x" * 100_000], b"b"))


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ('multipart/related; type="application/dicom"; boundary=abc', b"abc"),
        ('multipart/related; boundary="a b"; type=x', b"a b"),
        ("Multipart/Related;BOUNDARY=q", b"q"),
    ],
)
def test_a_boundary_is_found(header, boundary):
    assert boundary_of(header) == boundary


@pytest.mark.parametrize(
    "header", ["", "text/html", "multipart/form-data; boundary=a", "multipart/related"]
)
def test_no_boundary_is_said(header):
    with pytest.raises(DataDamagedError):
        boundary_of(header)


def test_a_file_shorter_than_it_was_is_said():
    with pytest.raises(DataDamagedError, match="shorter"):
        b"".join(Multipart([(10, lambda: io.BytesIO(b"x"))]))
