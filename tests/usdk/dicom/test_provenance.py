from __future__ import annotations

import hashlib
import json

import pytest
from pydicom import Dataset

from usdk.acquisition import Gap
from usdk.dicom.provenance import (
    add_provenance,
    loss_comment,
    read_frame_digests,
    read_provenance,
)
from usdk.errors import DataDamagedError

GAP = Gap(first_sequence_number=7, n_frames=3, n_packets_lost=5, n_packets_damaged=1)


def written(frames):
    dataset = Dataset()
    add_provenance(dataset, frames)
    return dataset


def json_element(dataset):
    return dataset.private_block(0x5553, "USDK")[0x01]


def test_everything_comes_back(make_frame):
    frames = [
        make_frame(0),
        make_frame(9, provenance={"gaps": (GAP,), "prf_hz": None, "probe": "Sonde Ä"}),
        make_frame(10, device_timestamp_s=float("nan"), provenance={"device": None}),
    ]
    records = read_provenance(written(frames))
    for frame, record in zip(frames, records, strict=True):
        assert record.provenance == frame.provenance
        assert record.sequence_number == frame.sequence_number
        assert record.dynamic_range_db == frame.dynamic_range_db
        assert record.device_timestamp_s == pytest.approx(frame.device_timestamp_s, nan_ok=True)
        assert record.host_timestamp_s == frame.host_timestamp_s


def test_the_block_has_a_creator_and_vrs_that_can_be_signed(frame):
    dataset = written([frame])
    assert dataset[0x5553, 0x0010].value == "USDK"
    assert json_element(dataset).VR == "UT"
    assert dataset.private_block(0x5553, "USDK")[0x02].VR == "OB"


def test_the_text_is_ascii_so_that_no_character_set_breaks_it(make_frame):
    text = json_element(written([make_frame(provenance={"probe": "探头"})])).value
    assert text.isascii()
    assert json.loads(text)["provenances"][0]["probe"] == "探头"


def test_like_provenances_are_written_once(cine):
    assert len(json.loads(json_element(written(cine)).value)["provenances"]) == 1


def test_each_frame_has_its_digest(cine):
    digests = read_frame_digests(written(cine))
    assert digests == [hashlib.sha256(frame.pixels.tobytes()).digest() for frame in cine]


def test_an_object_of_another_maker_has_none():
    assert read_provenance(Dataset()) is None
    assert read_frame_digests(Dataset()) is None


def test_a_block_stored_as_unknown_is_still_read(frame):
    dataset = written([frame])
    element = json_element(dataset)
    dataset.add_new(element.tag, "UN", element.value.encode() + b" ")
    assert read_provenance(dataset)[0].provenance == frame.provenance


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "not json",
        '{"format": 1}',
        '{"format": 1, "provenances": [], "frames": [{"provenance": 0}]}',
        '{"format": 1, "provenances": 3, "frames": []}',
        '{"format": 1, "provenances": [{"device": {"x": 1}}], "frames": []}',
        "[" * 100_000,
        '{"format": 99}',
    ],
)
def test_a_block_that_is_not_ours_is_damaged(frame, text):
    dataset = written([frame])
    json_element(dataset).value = text
    with pytest.raises(DataDamagedError):
        read_provenance(dataset)


def test_digests_of_a_wrong_length_are_damaged(frame):
    dataset = written([frame])
    dataset.private_block(0x5553, "USDK")[0x02].value = b"x" * 30
    with pytest.raises(DataDamagedError):
        read_frame_digests(dataset)


def test_no_loss_needs_no_words(cine):
    assert loss_comment(cine) == ""


def test_a_loss_is_told_once_with_its_place(make_frame):
    frames = [make_frame(6), make_frame(10, provenance={"gaps": (GAP,)})]
    comment = loss_comment([*frames, make_frame(11, provenance={"gaps": (GAP,)})])
    assert comment == (
        "FRAMES LOST IN ACQUISITION: 3. 3 lost before frame 2 "
        "(sequence numbers 7 to 9; packets: 5 lost, 1 damaged)."
    )


def test_a_still_tells_what_was_lost_before_it(make_frame):
    assert "just before this image" in loss_comment([make_frame(provenance={"gaps": (GAP,)})])
