"""Gate: whether an object may enter. Unsigned, tampered and foreign ones may not."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from usdk.errors import DataDamagedError
from usdk.trust import dicom_tags as tags
from usdk.trust import verify_dicom
from usdk.trust.byte_source import FileSource
from usdk.trust.certificate_trust import CertificateLike
from usdk.trust.dicom_elements import read_dicom
from usdk.trust.dicom_structure import DicomFile, find_element

__all__ = ["CANNOT_UNDERSTAND", "DUPLICATE", "NOT_AUTHORIZED", "Admission", "Gate", "is_uid"]

NOT_AUTHORIZED = 0x0124
CANNOT_UNDERSTAND = 0xC000
DUPLICATE = 0x0111
"""Status codes (PS3.7 annex C, PS3.4 annex B.2.3)."""

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")


def is_uid(text: str) -> bool:
    """Return whether a text is a UID (PS3.5 section 9.1); only such may become a file's name."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


@dataclass(frozen=True)
class Admission:
    """What a gate decided of one object; UIDs are empty where the object has none.

    ``failure`` is None for what may enter, else a status code, and ``reason`` says why.
    """

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    transfer_syntax_uid: str = ""
    signer: str = ""
    failure: int | None = None
    reason: str = ""

    @property
    def uids(self) -> tuple[str, str, str, str]:
        """SOP class, instance, study and series."""
        return (
            self.sop_class_uid,
            self.sop_instance_uid,
            self.study_instance_uid,
            self.series_instance_uid,
        )


class Gate:
    """Admits what is whole, and signed by a signer that is vouched for.

    Parameters
    ----------
    trusted_signers : sequence of bytes or path-like
        Certificates of the authorities that vouch for signers.
    revocation_lists : sequence of bytes or path-like
        Of these authorities; files are read anew for each object.
    """

    def __init__(
        self,
        trusted_signers: Sequence[CertificateLike],
        *,
        revocation_lists: Sequence[CertificateLike] = (),
    ) -> None:
        self._trusted_signers = tuple(trusted_signers)
        self._revocation_lists = tuple(revocation_lists)

    def admit(self, path: str | os.PathLike[str]) -> Admission:
        """Judge a file; what is wrong with it is in the answer, never an error."""
        try:
            with FileSource(path) as source:
                identity = _identity(read_dicom(source))
        except DataDamagedError as error:
            return Admission(failure=CANNOT_UNDERSTAND, reason=f"not a DICOM object: {error}")
        if not all(map(is_uid, identity.uids)):
            return _refused(identity, CANNOT_UNDERSTAND, "a UID is missing or malformed")
        report = verify_dicom(
            path,
            trusted_certificates=self._trusted_signers,
            revocation_lists=self._revocation_lists,
        )
        if not report.is_valid:
            kind = "signature refused" if report.signatures else "unsigned"
            return _refused(identity, NOT_AUTHORIZED, f"{kind}: {'; '.join(report.problems)}")
        signer = report.signer
        return replace(identity, signer="" if signer is None else signer.subject or "")


def _refused(identity: Admission, failure: int, reason: str) -> Admission:
    # A UID that is none is a stranger's text, and goes into no answer and no log.
    known = (uid if is_uid(uid) else "" for uid in identity.uids)
    sop_class, instance, study, series = known
    return Admission(sop_class, instance, study, series, failure=failure, reason=reason)


def _identity(file: DicomFile) -> Admission:
    return Admission(
        _text(file, tags.SOP_CLASS_UID),
        _text(file, tags.SOP_INSTANCE_UID),
        _text(file, tags.STUDY_INSTANCE_UID),
        _text(file, tags.SERIES_INSTANCE_UID),
        file.transfer_syntax_uid,
    )


def _text(file: DicomFile, tag: int) -> str:
    element = find_element(file.elements, tag)
    if element is None or element.vr != b"UI":
        return ""
    value = file.source.read(element.value_offset, min(element.n_bytes, 66))
    return value.decode("ascii", "replace").rstrip("\0 ")
