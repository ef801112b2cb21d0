from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usdk.acquisition import Acquisition, Gap
from usdk.errors import ArgumentError, DataDamagedError, EndOfRecordingError, StateError, UsdkError
from usdk.io import (
    RecordingReader,
    RecordingWriter,
    describe_recording,
    load_recording,
    save_recording,
)
from usdk.io.recording_chunks import CHUNK_HEAD_BYTES, PREAMBLE_BYTES, ChunkKind, chunk_head

Make = Callable[..., Acquisition]
Outcome = Callable[[Path, bytes], Acquisition | UsdkError]
N_FRAMES = 4
FRAME_BYTES = CHUNK_HEAD_BYTES + 32 + 2 * 3 * 5 * 2
END_BYTES = CHUNK_HEAD_BYTES + 8


@pytest.fixture(scope="module")
def acquisition(make_acquisition: Make) -> Acquisition:
    return make_acquisition(
        n_frames=N_FRAMES,
        sequence_numbers=np.array([10, 11, 15, 16]),
        device_timestamps_s=np.array([0.5, np.nan, 0.7, 0.8]),
        host_timestamps_s=np.array([1.7e9, 1.7e9 + 1, np.nan, 1.7e9 + 3]),
    )


@pytest.fixture(scope="module")
def content(acquisition: Acquisition, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A recording of frames 10, 11, a gap of three, 15, 16."""
    path = tmp_path_factory.mktemp("recording") / "a"
    gap = Gap(first_sequence_number=12, n_frames=3, n_packets_lost=2)
    with RecordingWriter(
        path, acquisition.probe, acquisition.sequence, acquisition.receive, acquisition.device
    ) as writer:
        writer.write(acquisition[0:2])
        writer.write(replace(acquisition[2:4], gaps=(gap,)))
    return path.read_bytes()


@pytest.fixture(scope="module")
def frame_offsets(content: bytes) -> list[int]:
    """Where the frames' chunks begin."""
    marker = content[16:24]
    places = [i for i in range(len(content)) if content.startswith(marker + b"FRAM", i)]
    assert len(places) == N_FRAMES
    return places


def check_frames_are_written_ones(found: Acquisition, written: Acquisition) -> None:
    """Every frame returned is, to the bit, a frame written, and in order."""
    numbers = written.sequence_numbers.tolist()
    rows = [numbers.index(number) for number in found.sequence_numbers.tolist()]
    assert rows == sorted(set(rows))
    for got, row in enumerate(rows):
        assert found.data[got].tobytes() == written.data[row].tobytes()
        for name in ("device_timestamps_s", "host_timestamps_s"):
            got_s, written_s = getattr(found, name)[got], getattr(written, name)[row]
            assert got_s.tobytes() == written_s.tobytes()


def check_outcome(
    outcome: Acquisition | UsdkError, written: Acquisition, *, is_cut: bool = False
) -> None:
    """Whole frames or a typed error; a frame that is missing is told of."""
    if isinstance(outcome, UsdkError):
        assert isinstance(outcome, DataDamagedError)
        return
    check_frames_are_written_ones(outcome, written)
    n_missing = written.n_frames - outcome.n_frames
    # The recorded gap of three frames is told of besides.
    n_told = outcome.n_frames_lost
    if is_cut:
        assert outcome.gaps, "a recording that ends early says so"
    else:
        assert n_told >= n_missing + 3


def test_every_truncation_gives_whole_frames_or_a_typed_error(
    acquisition: Acquisition, content: bytes, load_outcome: Outcome, tmp_path: Path
) -> None:
    for n_bytes in range(len(content)):
        outcome = load_outcome(tmp_path / "a", content[:n_bytes])
        check_outcome(outcome, acquisition, is_cut=True)


def test_every_truncation_keeps_each_frame_before_it(
    content: bytes, frame_offsets: list[int], load_outcome: Outcome, tmp_path: Path
) -> None:
    for i, start in enumerate(frame_offsets):
        for n_bytes in (start + FRAME_BYTES, start + FRAME_BYTES + 5):
            outcome = load_outcome(tmp_path / "a", content[:n_bytes])
            assert isinstance(outcome, Acquisition)
            assert outcome.n_frames == i + 1


def test_a_flipped_bit_anywhere_gives_whole_frames_or_a_typed_error(
    acquisition: Acquisition, content: bytes, load_outcome: Outcome, tmp_path: Path
) -> None:
    bits = np.random.default_rng(3).integers(0, 8, len(content))
    for place, bit in enumerate(bits):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(bit)
        check_outcome(load_outcome(tmp_path / "a", bytes(damaged)), acquisition)


def test_a_flipped_bit_costs_one_frame_at_most(
    acquisition: Acquisition,
    content: bytes,
    frame_offsets: list[int],
    load_outcome: Outcome,
    tmp_path: Path,
) -> None:
    bits = np.random.default_rng(4).integers(0, 8, len(content))
    for place in range(frame_offsets[0], len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(bits[place])
        outcome = load_outcome(tmp_path / "a", bytes(damaged))
        assert isinstance(outcome, Acquisition)
        assert outcome.n_frames >= N_FRAMES - 1
        assert outcome.gaps != (Gap(first_sequence_number=12, n_frames=3, n_packets_lost=2),), (
            "no damage passes in silence"
        )


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_mangling_gives_whole_frames_or_a_typed_error(
    data: st.DataObject,
    acquisition: Acquisition,
    content: bytes,
    load_outcome: Outcome,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    mangled = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, max(len(mangled) - 1, 0)))
        stop = min(start + data.draw(st.integers(1, 400)), len(mangled))
        how = data.draw(st.sampled_from(["flip", "delete", "repeat", "zero", "move"]))
        part = bytes(mangled[start:stop])
        if how == "flip":
            mangled[start:stop] = bytes(b ^ 0x10 for b in part)
        elif how == "delete":
            del mangled[start:stop]
        elif how == "repeat":
            mangled[stop:stop] = part
        elif how == "zero":
            mangled[start:stop] = bytes(len(part))
        else:
            del mangled[start:stop]
            to = data.draw(st.integers(0, len(mangled)))
            mangled[to:to] = part
    path = tmp_path_factory.getbasetemp() / "mangled"
    outcome = load_outcome(path, bytes(mangled))
    if isinstance(outcome, UsdkError):
        assert isinstance(outcome, DataDamagedError)
    else:
        check_frames_are_written_ones(outcome, acquisition)
        if outcome.n_frames < N_FRAMES:
            assert any(g.n_packets_damaged or g.n_packets_lost == 1 for g in outcome.gaps)


def test_a_damaged_frame_becomes_a_gap_in_its_place(
    content: bytes, frame_offsets: list[int], load_outcome: Outcome, tmp_path: Path
) -> None:
    damaged = bytearray(content)
    damaged[frame_offsets[1] + FRAME_BYTES - 1] ^= 1
    outcome = load_outcome(tmp_path / "a", bytes(damaged))
    assert isinstance(outcome, Acquisition)
    assert outcome.sequence_numbers.tolist() == [10, 15, 16]
    assert set(outcome.gaps) == {
        Gap(first_sequence_number=11, n_frames=1, n_packets_damaged=1),
        Gap(first_sequence_number=12, n_frames=3, n_packets_lost=2),
    }


def test_a_damaged_gap_record_becomes_a_gap_of_the_frames_that_lack(
    content: bytes, frame_offsets: list[int], load_outcome: Outcome, tmp_path: Path
) -> None:
    damaged = bytearray(content)
    damaged[frame_offsets[2] - 1] ^= 1
    outcome = load_outcome(tmp_path / "a", bytes(damaged))
    assert isinstance(outcome, Acquisition)
    assert outcome.sequence_numbers.tolist() == [10, 11, 15, 16]
    assert outcome.gaps == (Gap(first_sequence_number=12, n_frames=3, n_packets_damaged=1),)


def test_frames_cut_out_of_the_middle_become_a_gap(
    content: bytes, frame_offsets: list[int], load_outcome: Outcome, tmp_path: Path
) -> None:
    cut = content[: frame_offsets[0]] + content[frame_offsets[3] :]
    outcome = load_outcome(tmp_path / "a", cut)
    assert isinstance(outcome, Acquisition)
    assert outcome.sequence_numbers.tolist() == [16]
    (gap,) = outcome.gaps
    assert gap.n_frames == 3
    assert gap.n_packets_damaged == 4


def test_frames_in_the_wrong_order_are_not_returned(
    content: bytes, frame_offsets: list[int], load_outcome: Outcome, tmp_path: Path
) -> None:
    one, two = frame_offsets[0], frame_offsets[1]
    swapped = content[:one] + content[two : two + FRAME_BYTES] + content[one:two]
    outcome = load_outcome(tmp_path / "a", swapped + content[two + FRAME_BYTES :])
    assert isinstance(outcome, Acquisition)
    assert outcome.sequence_numbers.tolist() == [11, 15, 16]
    assert outcome.n_frames_lost >= 4


def test_the_bytes_cut_are_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content[: len(content) - END_BYTES - 7])
    described = describe_recording(tmp_path / "a")
    assert described.n_frames == 3
    assert described.n_bytes_cut == FRAME_BYTES - 7
    assert not described.is_complete
    found = load_recording(tmp_path / "a")
    assert found.gaps[-1] == Gap(first_sequence_number=16, n_frames=1, n_packets_lost=1)


def test_bytes_after_the_end_are_told(
    content: bytes, load_outcome: Outcome, tmp_path: Path
) -> None:
    outcome = load_outcome(tmp_path / "a", content + content)
    assert isinstance(outcome, Acquisition)
    assert outcome.n_frames == N_FRAMES
    assert outcome.gaps[-1].n_packets_damaged > 0
    assert describe_recording(tmp_path / "a").n_bytes_cut == len(content)


def test_a_recording_inside_the_samples_is_not_taken_for_chunks(
    make_acquisition: Make, load_outcome: Outcome, tmp_path: Path
) -> None:
    gap = Gap(first_sequence_number=777, n_frames=9)
    inner = save_recording(tmp_path / "inner", make_acquisition(gaps=(gap,))).read_bytes()
    inner += bytes(len(inner) % 2)
    outer = make_acquisition(n_frames=2, n_transmits=1, n_elements=1, n_samples=len(inner) // 2)
    outer.data[0] = np.frombuffer(inner, np.int16)
    path = save_recording(tmp_path / "outer", outer)
    damaged = bytearray(path.read_bytes())
    # The head of the first frame: the search for the next goes through its samples.
    damaged[damaged.index(b"FRAM") + 1] ^= 1
    outcome = load_outcome(path, bytes(damaged))
    assert isinstance(outcome, Acquisition)
    assert outcome.sequence_numbers.tolist() == [1]
    assert outcome.gaps == (Gap(first_sequence_number=0, n_frames=1, n_packets_damaged=1),)


def test_sound_chunks_with_impossible_contents_count_as_damage(
    content: bytes, frame_offsets: list[int], load_outcome: Outcome, tmp_path: Path
) -> None:
    marker = content[16:24]
    last = frame_offsets[3]
    for kind, payload in (
        (ChunkKind.FRAME, b"short"),
        (ChunkKind.GAP, b"short"),
        (ChunkKind.HEADER, b"{}"),
    ):
        chunk = chunk_head(marker, kind, 5, payload) + payload
        outcome = load_outcome(
            tmp_path / "a", content[:last] + chunk + content[last + FRAME_BYTES :]
        )
        assert isinstance(outcome, Acquisition)
        assert outcome.sequence_numbers.tolist() == [10, 11, 15]
        assert outcome.gaps[-1] == Gap(first_sequence_number=16, n_frames=1, n_packets_damaged=1)


def test_another_version_is_named(content: bytes, load_outcome: Outcome, tmp_path: Path) -> None:
    start = content[:12] + struct.pack("<I", 2) + content[16:24]
    newer = start + struct.pack("<I", zlib.crc32(start)) + content[PREAMBLE_BYTES:]
    outcome = load_outcome(tmp_path / "a", newer)
    assert isinstance(outcome, DataDamagedError)
    assert "version 2" in str(outcome)
    assert "update usdk" in str(outcome)


@pytest.mark.parametrize("n_frames", [1, 2, 3, 9])
def test_reading_in_steps_gives_the_frames_and_each_gap_before_its_frame(
    n_frames: int, content: bytes, acquisition: Acquisition, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(content)
    with RecordingReader(tmp_path / "a") as reader:
        for _ in range(2):
            parts = [reader.read(n_frames) for _ in range(-(-N_FRAMES // n_frames))]
            with pytest.raises(EndOfRecordingError, match="no more frames"):
                reader.read(n_frames)
            assert b"".join(part.data.tobytes() for part in parts) == acquisition.data.tobytes()
            with_gap = [part for part in parts if part.gaps]
            assert len(with_gap) == 1
            assert 15 in with_gap[0].sequence_numbers
            reader.rewind()


def test_reading_in_steps_passes_over_damaged_frames(
    content: bytes, frame_offsets: list[int], tmp_path: Path
) -> None:
    damaged = bytearray(content)
    damaged[frame_offsets[0] + 80] ^= 1
    damaged[frame_offsets[3] + 80] ^= 1
    (tmp_path / "a").write_bytes(damaged)
    with RecordingReader(tmp_path / "a") as reader:
        first = reader.read()
        assert first.sequence_numbers.tolist() == [11]
        assert first.gaps == (Gap(first_sequence_number=10, n_frames=1, n_packets_damaged=1),)
        # What is lost at the end comes with the last whole frame.
        last = reader.read()
        assert last.sequence_numbers.tolist() == [15]
        assert last.gaps[-1] == Gap(first_sequence_number=16, n_frames=1, n_packets_damaged=1)
        with pytest.raises(EndOfRecordingError):
            reader.read()


def test_a_recording_without_a_whole_frame_says_so_once(
    content: bytes, frame_offsets: list[int], tmp_path: Path
) -> None:
    damaged = bytearray(content)
    for offset in frame_offsets:
        damaged[offset + 80] ^= 1
    (tmp_path / "a").write_bytes(damaged)
    with RecordingReader(tmp_path / "a") as reader:
        assert reader.ends() is None
        with pytest.raises(DataDamagedError, match="no whole frame is left"):
            reader.read()
        with pytest.raises(EndOfRecordingError):
            reader.read()


def test_the_ends_are_those_of_whole_frames(
    content: bytes, frame_offsets: list[int], tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(content)
    with RecordingReader(tmp_path / "a") as reader:
        first, last = reader.ends() or pytest.fail("it has frames")
        assert (first.sequence_number, last.sequence_number) == (10, 16)
        assert reader.read(4).sequence_numbers.tolist() == [10, 11, 15, 16]
    damaged = bytearray(content)
    damaged[frame_offsets[0] + 80] ^= 1
    damaged[frame_offsets[3] + 80] ^= 1
    (tmp_path / "a").write_bytes(damaged)
    with RecordingReader(tmp_path / "a") as reader:
        first, last = reader.ends() or pytest.fail("it has frames")
        assert (first.sequence_number, last.sequence_number) == (11, 15)


def test_the_samples_are_the_acquisitions_own_memory(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    found = load_recording(tmp_path / "a")
    before = found.data.tobytes()
    (tmp_path / "a").write_bytes(bytes(len(content)))
    assert found.data.tobytes() == before
    assert found.data.flags.c_contiguous
    assert found.data.flags.writeable


def test_a_description_needs_no_samples(
    content: bytes, frame_offsets: list[int], acquisition: Acquisition, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(content)
    described = describe_recording(tmp_path / "a")
    assert described.format == "usdk recording"
    assert described.shape == acquisition.data.shape
    assert described.dtype == "int16"
    assert described.device == acquisition.device
    assert described.sequence == acquisition.sequence
    assert described.n_bytes == len(content)
    assert described.gaps == (Gap(first_sequence_number=12, n_frames=3, n_packets_lost=2),)
    assert described.is_complete
    assert (described.n_chunks_damaged, described.n_bytes_cut) == (0, 0)
    damaged = bytearray(content)
    damaged[frame_offsets[1]] ^= 1
    (tmp_path / "a").write_bytes(damaged)
    assert describe_recording(tmp_path / "a").n_chunks_damaged == 1


def test_a_recording_closed_without_a_frame_leaves_no_file(
    acquisition: Acquisition, tmp_path: Path
) -> None:
    path = tmp_path / "a"
    RecordingWriter(path, acquisition.probe, acquisition.sequence, acquisition.receive).close()
    assert not path.exists()


def test_wrong_calls_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    reader = RecordingReader(tmp_path / "a")
    with pytest.raises(ArgumentError, match="at least 1"):
        reader.read(0)
    reader.close()
    reader.close()
    with pytest.raises(StateError, match="closed"):
        reader.read()
