"""Journal: a chain of records in which each holds the digest of the one before. No I/O here.

A record says who did what, when, and to which object, by UID: never whose examination it was. It is
one line of JSON in one form (sorted keys, no spaces, ASCII), and its digest is the SHA-256 of that
line without the digest. A changed, removed, added or moved record breaks the chain. What a chain
alone cannot show is an end that was cut off whole: for that a record may hold a signature over the
digest before it, and whoever keeps a signed digest elsewhere can ask for it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from usdk.errors import ArgumentError, DataDamagedError
from usdk.trust.cryptography_extra import x509
from usdk.trust.public_key import certified_key, fits, key_problem
from usdk.trust.signer import Signer

__all__ = [
    "FIRST_PREVIOUS",
    "MAX_LINE_BYTES",
    "SIGNATURE",
    "TAIL_CUT",
    "ChainReport",
    "JournalEvent",
    "JournalRecord",
    "chain",
    "decode_record",
    "encode_record",
    "sign_head",
    "verify_chain",
]

FIRST_PREVIOUS = "0" * 64
"""What the first record holds in place of a digest."""

MAX_LINE_BYTES = 1 << 14
"""Longest record, its newline included."""

SIGNATURE = "signature"
"""Action of a record that signs the digest before it."""

TAIL_CUT = "torn end cut"
"""Action of a record that tells of an append that a crash tore, and that was cut."""

_KEYS = {"sequence", "event", "time", "actor", "action", "uid", "detail", "previous", "digest"}


@dataclass(frozen=True, slots=True)
class JournalEvent:
    """What is to be recorded.

    Attributes
    ----------
    action : str
        What was done, a word or two.
    actor : str
        Who or what did it.
    time : str
        When, by the unit's wall clock: ISO 8601 in UTC.
    uid : str
        The SOP Instance UID; empty when it concerns no object.
    detail : mapping of str to str
        Further facts; never of a patient.
    number : int
        Where it stands in its source, ascending from 1; 0 for what the journal itself says.
    """

    action: str
    actor: str
    time: str
    uid: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)
    number: int = 0


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """An event in the chain: its place from 1, the digest before it, and its own (hexadecimal).

    ``event.number`` never falls along the chain: it tells what of the source is recorded.
    """

    sequence: int
    event: JournalEvent
    previous: str
    digest: str


def chain(last: JournalRecord | None, event: JournalEvent) -> JournalRecord:
    """Return the record of an event after ``last``; None begins a chain.

    Raises
    ------
    ArgumentError
        The record would be longer than `MAX_LINE_BYTES`, or the event is older than the last.
    """
    sequence = 1 if last is None else last.sequence + 1
    previous = FIRST_PREVIOUS if last is None else last.digest
    reached = 0 if last is None else last.event.number
    if event.number == 0:
        event = JournalEvent(
            event.action, event.actor, event.time, event.uid, event.detail, reached
        )
    elif event.number <= reached:
        raise ArgumentError(f"event {event.number} is in the journal already, up to {reached}")
    body = _body(sequence, event, previous)
    record = JournalRecord(sequence, event, previous, hashlib.sha256(body).hexdigest())
    if len(encode_record(record)) > MAX_LINE_BYTES:
        raise ArgumentError(f"a record may have {MAX_LINE_BYTES} bytes: shorten its detail")
    return record


def _fields(sequence: int, event: JournalEvent, previous: str) -> dict[str, object]:
    return {
        "sequence": sequence,
        "event": event.number,
        "time": event.time,
        "actor": event.actor,
        "action": event.action,
        "uid": event.uid,
        "detail": dict(event.detail),
        "previous": previous,
    }


def _canonical(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")


def _body(sequence: int, event: JournalEvent, previous: str) -> bytes:
    return _canonical(_fields(sequence, event, previous))


def encode_record(record: JournalRecord) -> bytes:
    """Return the line of a record, its newline included."""
    fields = _fields(record.sequence, record.event, record.previous)
    return _canonical(fields | {"digest": record.digest}) + b"\n"


def decode_record(line: bytes) -> JournalRecord:
    """Return the record of a line, whose own digest is right.

    Raises
    ------
    DataDamagedError
        The line is torn, changed, or no record.
    """
    try:
        fields = json.loads(line) if len(line) <= MAX_LINE_BYTES else None
    except (ValueError, RecursionError) as error:
        raise DataDamagedError("a line of the journal is no record") from error
    if not isinstance(fields, dict) or fields.keys() != _KEYS or not _typed(fields):
        raise DataDamagedError("a line of the journal is no record")
    event = JournalEvent(
        fields["action"],
        fields["actor"],
        fields["time"],
        fields["uid"],
        fields["detail"],
        fields["event"],
    )
    record = JournalRecord(fields["sequence"], event, fields["previous"], fields["digest"])
    body = _body(record.sequence, event, record.previous)
    if hashlib.sha256(body).hexdigest() != record.digest or encode_record(record) != line:
        raise DataDamagedError("a record of the journal was changed: its digest is another")
    return record


def _typed(fields: dict[str, object]) -> bool:
    texts = ("time", "actor", "action", "uid", "previous", "digest")
    detail = fields["detail"]
    return (
        all(type(fields[name]) is int for name in ("sequence", "event"))
        and all(isinstance(fields[name], str) for name in texts)
        and isinstance(detail, dict)
        and all(isinstance(value, str) for value in detail.values())
    )


def sign_head(last: JournalRecord, signer: Signer, *, actor: str, time: str) -> JournalRecord:
    """Return the record that follows ``last`` and signs its digest, and so all before it."""
    signature = signer.sign_digest(bytes.fromhex(last.digest), "SHA256")
    detail = {
        "algorithm": "SHA256",
        "certificate": base64.b64encode(signer.certificate_der).decode("ascii"),
        "signature": base64.b64encode(signature).decode("ascii"),
    }
    return chain(last, JournalEvent(SIGNATURE, actor, time, detail=detail))


@dataclass(frozen=True)
class ChainReport:
    """What a verification found.

    Attributes
    ----------
    n_records, n_signatures : int
        Records read, and signatures among them that hold.
    n_cuts : int
        Torn ends that were cut and stated; their bytes lie beside the journal.
    last_signed : int
        Sequence of the last record under a signature that holds; 0 without one.
    head : str
        Digest of the last record; keep it elsewhere to show later that nothing was cut off.
    problems : tuple of str
        What is wrong, by sequence or line; empty for a whole chain.
    """

    n_records: int
    n_signatures: int
    n_cuts: int
    last_signed: int
    head: str
    problems: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether no record is changed, missing, added or moved."""
        return not self.problems


def verify_chain(
    lines: Iterable[bytes],
    *,
    certificates_der: Sequence[bytes] = (),
    known_heads: Sequence[str] = (),
) -> ChainReport:
    """Verify a journal from its first line.

    Parameters
    ----------
    lines : iterable of bytes
        The lines, each with its newline.
    certificates_der : sequence of bytes
        Certificates whose signatures count; without any, the one in the record is taken, which
        shows that the record is whole and not who made it.
    known_heads : sequence of str
        Digests kept elsewhere; each must be the digest of some record.
    """
    problems: list[str] = []
    last: JournalRecord | None = None
    n_records = n_signatures = n_cuts = last_signed = 0
    missing = set(known_heads)
    for n_lines, line in enumerate(lines, 1):
        try:
            record = decode_record(line)
        except DataDamagedError as error:
            problems.append(f"line {n_lines}: {error}")
            continue
        problems += [f"record {record.sequence}: {text}" for text in _breaks(last, record)]
        if record.event.action == SIGNATURE:
            reason = _signature_problem(record, certificates_der)
            if reason:
                problems.append(f"record {record.sequence}: {reason}")
            else:
                n_signatures, last_signed = n_signatures + 1, record.sequence
        n_records += 1
        n_cuts += record.event.action == TAIL_CUT
        missing.discard(record.digest)
        last = record
    problems += [f"no record has the digest {head[:16]}…: records were cut off" for head in missing]
    head = FIRST_PREVIOUS if last is None else last.digest
    return ChainReport(n_records, n_signatures, n_cuts, last_signed, head, tuple(problems))


def _breaks(last: JournalRecord | None, record: JournalRecord) -> list[str]:
    expected = (
        (0, FIRST_PREVIOUS, 0) if last is None else (last.sequence, last.digest, last.event.number)
    )
    found = []
    if record.sequence != expected[0] + 1:
        found.append(f"follows record {expected[0]}: records are missing or moved")
    if record.previous != expected[1]:
        found.append("does not hold the digest of the record before it")
    if record.event.number < expected[2]:
        found.append(f"tells of event {record.event.number} after {expected[2]}")
    return found


def _signature_problem(record: JournalRecord, certificates_der: Sequence[bytes]) -> str:
    detail = record.event.detail
    try:
        certificate_der = base64.b64decode(detail["certificate"], validate=True)
        signature = base64.b64decode(detail["signature"], validate=True)
        if detail["algorithm"] != "SHA256":
            return "is signed by an algorithm that is not SHA-256"
        if certificates_der and certificate_der not in certificates_der:
            return "is signed by a certificate that was not named"
        key = certified_key(x509.load_der_x509_certificate(certificate_der))
        if key is None or key_problem(key) is not None:
            return "is signed by a key that may not sign: too short, or of another kind"
        if not fits(key, signature, bytes.fromhex(record.previous), "SHA256"):
            return "holds a signature that is not of the record before it"
    except (KeyError, ValueError):
        return "holds no signature that can be read"
    return ""
