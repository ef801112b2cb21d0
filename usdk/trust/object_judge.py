"""Whether a whole object is accepted: the verifier's core, which opens nothing and asks nobody.

It is given the structure of a file, whom the relying party trusts, what it demands, and, where
pixels may have been transcoded, a function that decodes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations

from usdk.errors import DataDamagedError, MissingExtraError, NotTrustedError
from usdk.trust import dicom_tags as tags
from usdk.trust.codestream import transfer_syntax_problem
from usdk.trust.dicom_structure import DicomFile, Element, find_element
from usdk.trust.frame_digests import (
    changed_by_transcoding,
    compare_frames,
    find_frame_digests,
    read_frame_digests,
)
from usdk.trust.frame_layout import require_plain_layout
from usdk.trust.mac_stream import is_outside
from usdk.trust.signature_check import (
    DOES_NOT_FIT,
    OTHER_TRANSFER_SYNTAX,
    check_signature,
    listed_signatures,
    met_profiles,
)
from usdk.trust.signature_profile import Profile
from usdk.trust.trust_judge import TrustJudge
from usdk.trust.unsigned_parts import mac_parameters_problems, unsigned_content
from usdk.trust.verification_report import SignatureReport, VerificationReport

__all__ = ["NOT_SIGNED", "Demands", "judge_object"]

NOT_SIGNED = "not signed"

_OF_FORMER_BYTES = {DOES_NOT_FIT, OTHER_TRANSFER_SYNTAX}


@dataclass(frozen=True)
class Demands:
    """What a relying party demands of the signatures together.

    Attributes
    ----------
    profiles : tuple of Profile
        Each must be met, by as many signers.
    allow_uncovered : bool
        Accept elements, and other parts of the file, that no signature covers.
    """

    profiles: tuple[Profile, ...]
    allow_uncovered: bool


def judge_object(
    file: DicomFile,
    judge: TrustJudge,
    demands: Demands,
    decode: Callable[[], Iterable[bytes | memoryview]] | None,
) -> VerificationReport:
    """Return the judgement over all signatures of ``file``.

    ``decode`` yields the decoded frames of the very bytes that ``file`` describes. It is called
    only after a trusted signature has been found to cover their digests, and all that describes
    the raster.
    """
    pairs, problems = listed_signatures(file)
    signatures: list[SignatureReport] = []
    for scope, item in pairs:
        checked = check_signature(file, scope, item)
        report = checked.report
        if checked.certificate is not None:
            report = judge.judge(report, checked.certificate, checked.signature, checked.timestamp)
        signatures.append(report)
    proof = _Transcoded.find(file, signatures) if decode is not None else None
    n_frames = None
    if proof is not None and decode is not None:
        try:
            digests = read_frame_digests(file.source, proof.digests)
            require_plain_layout(file, len(digests))
            n_frames = compare_frames(digests, decode())
        except (NotTrustedError, DataDamagedError, MissingExtraError) as error:
            problems.append(f"the pixels are not proven by frame digests: {error}")
            proof = None
    superseded = set() if proof is None else proof.superseded
    for number, report in enumerate(signatures, start=1):
        if number - 1 not in superseded:
            problems += [f"signature {number}: {problem}" for problem in report.problems]
    whole = [s for s in signatures if not s.location]
    uncovered = tuple(e.tag for e in file.elements if not is_outside(e.tag))
    if not whole:
        problems.append(NOT_SIGNED)
    else:
        valid = [s for s in whole if s.is_valid]
        uncovered = min((s.uncovered_tags for s in valid), key=len, default=uncovered)
        unproven = uncovered if proof is None else ()
        if valid and unproven and not demands.allow_uncovered:
            problems.append("elements are not under the signature: " + tags.name_tags(unproven))
        if valid:
            problems += _profile_problems(demands.profiles, valid, proof)
        problems += _frame_problems(file, signatures)
        if not demands.allow_uncovered:
            problems += unsigned_content(file)
    as_signed = any(s.is_valid and tags.PIXEL_DATA in s.covered_tags for s in whole)
    return VerificationReport(
        tuple(signatures),
        uncovered,
        file.transfer_syntax_uid,
        judge.moment,
        tuple(problems),
        "AS SIGNED" if as_signed else "NOT PROVEN" if proof is None else "TRANSCODED",
        _n_frames(file) if as_signed else n_frames,
    )


@dataclass(frozen=True)
class _Transcoded:
    """A file whose pixels lie otherwise than they were signed, and what may still prove them.

    Attributes
    ----------
    digests : Element
        Of the decoded frames.
    free : frozenset of int
        Tags that transcoding may change.
    superseded : set of int
        Indices of signatures over the former bytes.
    """

    digests: Element
    free: frozenset[int]
    superseded: set[int]

    @classmethod
    def find(cls, file: DicomFile, signatures: Sequence[SignatureReport]) -> _Transcoded | None:
        digests = find_frame_digests(file.source, file.elements)
        if digests is None or find_element(file.elements, tags.PIXEL_DATA) is None:
            return None
        if any(s.is_valid and not s.location and not s.uncovered_tags for s in signatures):
            return None
        free = changed_by_transcoding(file)
        if not any(_proves_frames(s, digests.tag, free) for s in signatures):
            return None
        broken = {n for n, s in enumerate(signatures) if not s.is_valid}
        if not all(_is_of_former_bytes(signatures[n]) for n in broken):
            return None
        return cls(digests, free, broken)


def _proves_frames(report: SignatureReport, digests: int, free: frozenset[int]) -> bool:
    return (
        report.is_valid
        and not report.location
        and digests in report.covered_tags
        and set(report.uncovered_tags) <= free
    )


def _is_of_former_bytes(report: SignatureReport) -> bool:
    """Whether nothing speaks against a signature but that the pixels' bytes became others."""
    return (
        not report.location
        and tags.PIXEL_DATA in report.covered_tags
        and set(report.problems) <= _OF_FORMER_BYTES
    )


def _profile_problems(
    demanded: tuple[Profile, ...], valid: list[SignatureReport], proof: _Transcoded | None
) -> list[str]:
    met = [set(s.profiles) for s in valid]
    if proof is not None:
        for number, one in enumerate(valid):
            if _proves_frames(one, proof.digests.tag, proof.free):
                present = {*one.covered_tags, *one.uncovered_tags}
                covered = proof.free.union(one.covered_tags)
                met[number].update(met_profiles(one.key_kind, present, covered))
    # One signature meets several profiles at once, and one person is not two.
    for chosen in permutations(range(len(valid)), len(demanded)):
        signers = {valid[number].certificate_sha256 for number in chosen}
        fits = all(one in met[number] for one, number in zip(demanded, chosen, strict=True))
        if fits and len(signers) == len(demanded):
            return []
    missing = [one for one in demanded if not any(one in found for found in met)]
    if missing:
        names = [f"what the {one.title()} RSA profile wants" for one in missing]
        return [f"no signature covers {name}" for name in names]
    return [f"{' and '.join(one.title() for one in demanded)} are not by as many signers"]


def _n_frames(file: DicomFile) -> int | None:
    """Return NumberOfFrames, 1 where it is absent; None where it is no number."""
    element = find_element(file.elements, tags.NUMBER_OF_FRAMES)
    if element is None:
        return 1
    text = file.source.read(element.value_offset, min(element.n_bytes, 14)).strip(b" ")
    return int(text) if text.isdigit() else None


def _frame_problems(file: DicomFile, signatures: Sequence[SignatureReport]) -> list[str]:
    """Compare what is not signed with what is: it must be of this object and its signatures."""
    problems = mac_parameters_problems(file)
    uids = [one.signature_uid for one in signatures if one.signature_uid is not None]
    if len(set(uids)) != len(uids):
        problems.append("a signature is there twice")
    stream = transfer_syntax_problem(file)
    if stream is not None:
        problems.append(stream)
    for meta_tag, tag in (
        (tags.MEDIA_STORAGE_SOP_CLASS_UID, tags.SOP_CLASS_UID),
        (tags.MEDIA_STORAGE_SOP_INSTANCE_UID, tags.SOP_INSTANCE_UID),
    ):
        in_meta = _short_value(file, file.meta, meta_tag)
        if in_meta is not None and in_meta != _short_value(file, file.elements, tag):
            problems.append(f"{tags.name_tag(meta_tag)} is not the data set's")
    return problems


def _short_value(file: DicomFile, elements: tuple[Element, ...], tag: int) -> bytes | None:
    element = find_element(elements, tag)
    if element is None:
        return None
    # A UID has at most 64 characters; more cannot be equal to one.
    n_bytes = min(element.n_bytes, 66)
    return file.source.read(element.value_offset, n_bytes)
