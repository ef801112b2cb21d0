"""The journal: damage is told, an end that was torn is cut, and the chain goes on."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import suppress

from scratch_file import scratch_folder

from usdk.errors import ArgumentError, DataDamagedError
from usdk.trust.journal import (
    FIRST_PREVIOUS,
    SIGNATURE,
    JournalEvent,
    JournalRecord,
    chain,
    decode_record,
    encode_record,
    verify_chain,
)
from usdk.trust.journal_folder import JournalFolder, journal_lines

_TIME = "2025-06-15T14:30:05.000+00:00"


def seeds() -> list[bytes]:
    """Return chains of records whole, torn, and with a signature that is none."""
    lines, last = b"", None
    for number in range(3):
        last = chain(last, JournalEvent("sent", "unit", _TIME, "1.2.3", {"a": "b"}, number + 1))
        lines += encode_record(last)
    signed = {"certificate": "AAAA", "signature": "AAAA", "algorithm": "SHA256"}
    more = encode_record(chain(last, JournalEvent(SIGNATURE, "unit", _TIME, detail=signed)))
    return [b"\0" + lines, b"\0" + lines[:-9], b"\1" + lines + more, b"\2" + lines]


def _digested(text: bytes) -> bytes:
    """Make the digests of lines right that are otherwise records."""
    found, previous = b"", FIRST_PREVIOUS
    for line in text.split(b"\n"):
        try:
            fields = json.loads(line)
            fields.pop("digest")
            fields["previous"] = previous
            event = JournalEvent(
                *(fields[k] for k in ("action", "actor", "time", "uid", "detail", "event"))
            )
            body = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")
            digest = hashlib.sha256(body).hexdigest()
            found += encode_record(JournalRecord(fields["sequence"], event, previous, digest))
            previous = digest
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            found += line + b"\n"
    return found


def one_input(data: bytes) -> None:
    """Verify the lines; every third input also lies on the disk and is gone on with."""
    content = data[1:]
    if data[:1] and data[0] & 1:
        content = _digested(content)
    for line in content.splitlines(keepends=True):
        with suppress(DataDamagedError):
            assert encode_record(decode_record(line)) == line
    report = verify_chain(content.splitlines(keepends=True))
    assert report.n_signatures <= report.n_records
    if data[:1] and data[0] & 2:
        _go_on(content)


def _go_on(content: bytes) -> None:
    folder = scratch_folder() / "journal"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "000001.jsonl").write_bytes(content)
    journal = JournalFolder(folder, actor="fuzz")
    try:
        with suppress(ArgumentError):
            (record,) = journal.append([JournalEvent("next", "unit", _TIME)])
            assert record.event.action == "next"
            assert encode_record(record) in list(journal_lines(folder))
    finally:
        journal.close()
