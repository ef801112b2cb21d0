from __future__ import annotations

import io
import random
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import Dataset, data, dcmread, dcmwrite, uid
from pydicom.errors import InvalidDicomError

from usdk.errors import DataDamagedError
from usdk.export.outbox.element_walk import MAX_ELEMENTS
from usdk.export.outbox.identity import Identity, identify

Make = Callable[..., bytes]
KEYWORDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
SYNTAXES = (
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
)


def encoded(dataset: Dataset, syntax: uid.UID) -> io.BytesIO:
    dataset.file_meta.TransferSyntaxUID = syntax
    file = io.BytesIO()
    dcmwrite(
        file, dataset, implicit_vr=syntax.is_implicit_VR,
        little_endian=syntax.is_little_endian, force_encoding=True,
    )  # fmt: skip
    file.seek(0)
    return file


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


@pytest.mark.parametrize("keyword", KEYWORDS)
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


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_uids_are_found_in_every_encoding(make_object: Make, syntax: uid.UID) -> None:
    dataset = dcmread(io.BytesIO(make_object(study="1.2.9")))
    found = identify(encoded(dataset, syntax))
    assert found == Identity(
        dataset.SOPClassUID, dataset.SOPInstanceUID, "1.2.9", "1.2.9.1", syntax
    )


def nested(is_undefined: bool) -> Dataset:
    """A data set with a sequence in a sequence before the UIDs of study and series."""
    inner, outer = Dataset(), Dataset()
    inner.ReferencedSOPInstanceUID = "1.7"
    inner.StudyInstanceUID = "1.8"
    outer.PurposeOfReferenceCodeSequence = [inner, Dataset()]
    outer["PurposeOfReferenceCodeSequence"].is_undefined_length = is_undefined
    for item in (inner, outer):
        item.is_undefined_length_sequence_item = is_undefined
    found = Dataset()
    found.ReferencedImageSequence = [outer, Dataset(), outer]
    found["ReferencedImageSequence"].is_undefined_length = is_undefined
    return found


@pytest.mark.parametrize("is_undefined", [False, True])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_lies_in_sequences_is_passed_over(
    make_object: Make, syntax: uid.UID, is_undefined: bool
) -> None:
    dataset = dcmread(io.BytesIO(make_object(study="1.2.9")))
    dataset.update(nested(is_undefined))
    assert identify(encoded(dataset, syntax)).study_instance_uid == "1.2.9"


def test_an_unknown_value_of_undefined_length_is_passed_over(make_object: Make) -> None:
    dataset = dcmread(io.BytesIO(make_object(study="1.2.9")))
    item = bytes.fromhex("feff00e0ffffffff 08005011 04000000 312e3700 feff0de000000000")
    unknown = bytes.fromhex("09000010 554e0000 ffffffff") + item + bytes.fromhex("feffdde000000000")
    content = encoded(dataset, uid.ExplicitVRLittleEndian).read()
    start = content.index(b"\x10\x00\x10\x00PN")
    assert identify(io.BytesIO(content[:start] + unknown + content[start:])).study_instance_uid
    with pytest.raises(DataDamagedError, match="not a DICOM file"):
        identify(io.BytesIO(content[:start] + unknown[:-8] + content[start:]))


def known_to_pydicom(content: bytes) -> Identity | None:
    """The UIDs as pydicom reads them; None where it fails, guesses, or reads two objects."""
    with warnings.catch_warnings(record=True, action="always") as warned:
        try:
            dataset = dcmread(io.BytesIO(content))
            uids = [str(dataset[keyword].value) for keyword in KEYWORDS]
            uids.append(str(dataset.file_meta.TransferSyntaxUID))
        except (InvalidDicomError, KeyError, AttributeError):
            return None
    is_guess = any("Expected explicit VR" in str(warning.message) for warning in warned)
    named = dataset.file_meta.get("MediaStorageSOPInstanceUID", uids[1])
    return None if is_guess or named != uids[1] or "" in uids else Identity(*uids)


def test_foreign_files_are_known_as_pydicom_knows_them() -> None:
    n_found = 0
    for path in sorted(Path(data.__file__).parent.rglob("*.dcm")):
        content = path.read_bytes()
        wanted = known_to_pydicom(content)
        if wanted is None:
            with pytest.raises(DataDamagedError):
                identify(io.BytesIO(content))
        else:
            assert identify(io.BytesIO(content)) == wanted
            n_found += 1
    assert n_found > 20


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_damaged_files_are_refused_or_known_and_never_quoted(
    make_object: Make, syntax: uid.UID, caplog: pytest.LogCaptureFixture
) -> None:
    dataset = dcmread(io.BytesIO(make_object()))
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.update(nested(True))
    content = encoded(dataset, syntax).read()
    chance = random.Random(7)
    with warnings.catch_warnings(action="error"):
        for _ in range(2000):
            changed = bytearray(content)
            for _ in range(chance.randint(1, 3)):
                changed[chance.randrange(128, min(900, len(content)))] = chance.randrange(256)
            try:
                told = str(identify(io.BytesIO(changed)))
            except DataDamagedError as error:
                told = str(error)
            assert "Must" not in told
    assert caplog.text == ""


def test_a_file_of_many_elements_ends(make_object: Make) -> None:
    content = make_object()
    start = content.index(b"\x10\x00\x10\x00PN")
    empty = bytes.fromhex("feff00e000000000") * (MAX_ELEMENTS + 1)
    sequence = bytes.fromhex("09000010 53510000 ffffffff") + empty
    with pytest.raises(DataDamagedError, match="not a DICOM file"):
        identify(io.BytesIO(content[:start] + sequence + content[start:]))


def test_a_file_that_inflates_without_end_is_read_to_a_limit(make_object: Make) -> None:
    content = encoded(dcmread(io.BytesIO(make_object())), uid.DeflatedExplicitVRLittleEndian).read()
    end = content.index(b"1.2.840.10008.1.2.1.99")
    meta = content[: 132 + 12 + int.from_bytes(content[140:144], "little")]
    assert end < len(meta)
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = deflate.compress(bytes.fromhex("09000010 4f420000 ffffff0f") + bytes(1 << 28))
    with pytest.raises(DataDamagedError, match="lacks a UID"):
        identify(io.BytesIO(meta + bomb + deflate.flush()))


def test_file_meta_information_of_another_object_is_refused(make_object: Make) -> None:
    content = make_object(uid="1.2.3.4")
    start = content.index(b"1.2.3.4")
    with pytest.raises(DataDamagedError, match="another object"):
        identify(io.BytesIO(content[:start] + b"1.2.3.5" + content[start + 7 :]))
