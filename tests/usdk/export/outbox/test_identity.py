from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from pydicom import dcmread

from usdk.errors import DataDamagedError
from usdk.export.outbox.identity import identify

Make = Callable[..., bytes]


def test_the_uids_are_those_of_the_file_and_pixels_are_not_read(make_object: Make) -> None:
    content = make_object(study="1.2.9", n_bytes=100_000)
    dataset = dcmread(io.BytesIO(content))
    file = io.BytesIO(content)
    found = identify(file)
    assert found.sop_instance_uid == dataset.SOPInstanceUID
    assert found.study_instance_uid == "1.2.9"
    assert found.series_instance_uid == "1.2.9.1"
    assert found.transfer_syntax_uid == dataset.file_meta.TransferSyntaxUID
    assert file.tell() < 10_000


@pytest.mark.parametrize(
    "keyword", ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"]
)
@pytest.mark.parametrize("value", ["", "Must^Not^Appear", "1.2 3", "1.2\\1.3"])
def test_an_object_without_a_uid_is_refused_and_not_quoted(
    make_object: Make, keyword: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    content = make_object()
    uid = str(dcmread(io.BytesIO(content))[keyword].value).encode()
    start = content.index(uid, content.index(b"\x08\x00\x16\x00"))
    changed = value.encode()[: len(uid)].ljust(len(uid), b" ")
    with pytest.raises(DataDamagedError, match="lacks a UID") as caught:
        identify(io.BytesIO(content[:start] + changed + content[start + len(uid) :]))
    assert "Must" not in str(caught.value) + caplog.text


def test_file_meta_information_of_another_object_is_refused(make_object: Make) -> None:
    content = make_object(uid="1.2.3.4")
    start = content.index(b"1.2.3.4")
    with pytest.raises(DataDamagedError, match="another object"):
        identify(io.BytesIO(content[:start] + b"1.2.3.5" + content[start + 7 :]))
