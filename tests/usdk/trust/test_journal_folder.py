from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from usdk.errors import StorageError
from usdk.trust import dev_signer
from usdk.trust.journal import JournalEvent, JournalRecord, decode_record, verify_chain
from usdk.trust.journal_folder import MAX_APPEND_BYTES, JournalFolder, journal_lines, journal_time

TIME = "2026-01-01T00:00:00.000+00:00"


def event(number: int = 0, action: str = "add") -> JournalEvent:
    return JournalEvent(action, "unit", TIME, "1.2", {}, number)


def actions(folder: Path) -> list[str]:
    return [decode_record(line).event.action for line in journal_lines(folder)]


def test_what_is_appended_is_there_and_continued_by_the_next(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        journal = JournalFolder(tmp_path, actor="unit")
        journal.append([event(number)])
        journal.close()
    assert verify_chain(journal_lines(tmp_path)).n_records == 3
    assert verify_chain(journal_lines(tmp_path)).is_whole


def test_events_that_are_there_already_are_passed_over(tmp_path: Path) -> None:
    journal = JournalFolder(tmp_path, actor="unit")
    assert len(journal.append([event(1), event(2)])) == 2
    assert len(journal.append([event(1), event(2), event(3)])) == 1


def test_a_copy_that_somebody_left_beside_it_is_none_of_the_journal(tmp_path: Path) -> None:
    journal = JournalFolder(tmp_path, actor="unit")
    journal.append([event(1)])
    journal.close()
    (tmp_path / "copy of 000001.jsonl").write_bytes((tmp_path / "000001.jsonl").read_bytes())
    (tmp_path / "notes.jsonl").write_text("{}\n")
    again = JournalFolder(tmp_path, actor="unit")
    again.append([event(2)])
    again.close()
    assert verify_chain(journal_lines(tmp_path)).n_records == 2
    assert verify_chain(journal_lines(tmp_path)).is_whole


@pytest.mark.parametrize("torn", [b"{", b"\0" * 4096, b'{"action":"add"}\n', b"\n\n"])
def test_a_torn_end_is_cut_kept_and_stated(tmp_path: Path, torn: bytes) -> None:
    journal = JournalFolder(tmp_path, actor="unit")
    journal.append([event(1), event(2)])
    journal.close()
    with (tmp_path / "000001.jsonl").open("ab") as file:
        file.write(torn)
    again = JournalFolder(tmp_path, actor="unit")
    again.append([event(2), event(3)])
    report = verify_chain(journal_lines(tmp_path))
    assert report.is_whole
    assert report.n_cuts == 1
    assert actions(tmp_path) == ["add", "add", "torn end cut", "add"]
    (kept,) = tmp_path.glob("torn-*.bin")
    assert kept.read_bytes() == torn


def test_damage_that_no_append_explains_is_not_cut_and_stays_visible(tmp_path: Path) -> None:
    journal = JournalFolder(tmp_path, actor="unit")
    n_events = MAX_APPEND_BYTES // 200
    journal.append([event(number) for number in range(1, n_events + 1)])
    journal.close()
    segment = tmp_path / "000001.jsonl"
    content = bytearray(segment.read_bytes())
    assert len(content) > MAX_APPEND_BYTES + 2000
    content[1000] ^= 1
    segment.write_bytes(content)
    again = JournalFolder(tmp_path, actor="unit")
    again.append([event(n_events + 1)])
    assert segment.read_bytes() == content
    assert (tmp_path / "000002.jsonl").exists()
    assert not verify_chain(journal_lines(tmp_path)).is_whole


def test_segments_chain_on(tmp_path: Path) -> None:
    journal = JournalFolder(tmp_path, actor="unit", segment_bytes=500)
    for number in range(1, 8):
        journal.append([event(number)])
    journal.close()
    assert len(list(tmp_path.glob("*.jsonl"))) > 2
    again = JournalFolder(tmp_path, actor="unit", segment_bytes=500)
    again.append([event(7), event(8)])
    report = verify_chain(journal_lines(tmp_path))
    assert report.is_whole
    assert report.n_records == 8


def journal_of(folder: Path, actor: str) -> list[Path]:
    """Make a journal of several segments, and return them."""
    journal = JournalFolder(folder, actor=actor, segment_bytes=500)
    for number in range(1, 8):
        journal.append([JournalEvent("add", actor, TIME, "1.2", {}, number)])
    journal.close()
    return sorted(folder.glob("*.jsonl"))


def remove_one(segments: list[Path], _other: list[Path]) -> None:
    segments[1].unlink()


def swap_two(segments: list[Path], _other: list[Path]) -> None:
    first, second = segments[0].read_bytes(), segments[1].read_bytes()
    segments[0].write_bytes(second)
    segments[1].write_bytes(first)


def cut_the_beginning(segments: list[Path], _other: list[Path]) -> None:
    segments[0].unlink()


def cut_within(segments: list[Path], _other: list[Path]) -> None:
    segments[0].write_bytes(segments[0].read_bytes()[:-20])


def splice_two_journals(segments: list[Path], other: list[Path]) -> None:
    segments[-1].write_bytes(other[-1].read_bytes())


def tell_twice(segments: list[Path], _other: list[Path]) -> None:
    segments[0].write_bytes(segments[0].read_bytes() * 2)


def edit_one(segments: list[Path], _other: list[Path]) -> None:
    content = segments[1].read_bytes()
    assert b'"action":"add"' in content
    segments[1].write_bytes(content.replace(b'"action":"add"', b'"action":"ask"', 1))


@pytest.mark.parametrize(
    "tamper",
    [
        remove_one,
        swap_two,
        cut_the_beginning,
        cut_within,
        splice_two_journals,
        tell_twice,
        edit_one,
    ],
)
def test_whoever_changes_the_files_breaks_the_chain(
    tmp_path: Path, tamper: Callable[[list[Path], list[Path]], None]
) -> None:
    segments = journal_of(tmp_path / "one", "unit")
    other = journal_of(tmp_path / "two", "other unit")
    assert len(segments) == len(other) > 2
    assert verify_chain(journal_lines(tmp_path / "one")).is_whole
    tamper(segments, other)
    assert not verify_chain(journal_lines(tmp_path / "one")).is_whole


def test_a_journal_without_its_last_segment_misses_a_head_that_was_kept(tmp_path: Path) -> None:
    segments = journal_of(tmp_path, "unit")
    head = verify_chain(journal_lines(tmp_path)).head
    assert verify_chain(journal_lines(tmp_path), known_heads=[head]).is_whole
    segments[-1].unlink()
    assert verify_chain(journal_lines(tmp_path)).is_whole
    assert not verify_chain(journal_lines(tmp_path), known_heads=[head]).is_whole


def test_a_signature_comes_every_so_many_records_over_restarts(tmp_path: Path) -> None:
    signer = dev_signer()
    for number in range(1, 8):
        journal = JournalFolder(tmp_path, actor="unit", signer=signer, sign_every=3)
        journal.append([event(number)])
        journal.close()
    report = verify_chain(journal_lines(tmp_path), certificates_der=[signer.certificate_der])
    assert report.is_whole
    assert report.n_signatures == 2


def test_a_subscriber_hears_each_record_and_cannot_stop_the_journal(tmp_path: Path) -> None:
    heard: list[JournalRecord] = []

    def hear(record: JournalRecord) -> None:
        heard.append(record)
        raise RuntimeError

    journal = JournalFolder(tmp_path, actor="unit", subscriber=hear)
    journal.append([event(1), event(2)])
    assert [record.sequence for record in heard] == [1, 2]


APPENDER = """
import sys
from collections.abc import Callable
from pathlib import Path
from usdk.trust.journal import JournalEvent
from usdk.trust.journal_folder import JournalFolder
journal = JournalFolder(Path(sys.argv[1]), actor=sys.argv[2])
for _ in range(20):
    journal.append([JournalEvent("add", sys.argv[2], "2026-01-01T00:00:00.000+00:00")])
journal.close()
"""


def test_processes_that_append_at_once_make_one_chain(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", APPENDER, str(tmp_path), f"unit {n}"] for n in range(2)]
    workers = [subprocess.Popen(command) for command in commands]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    report = verify_chain(journal_lines(tmp_path))
    assert report.is_whole
    assert report.n_records == 40


def test_a_folder_without_a_journal_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no journal"):
        list(journal_lines(tmp_path / "absent"))


def test_times_are_utc() -> None:
    assert journal_time(0.0) == "1970-01-01T00:00:00.000+00:00"
