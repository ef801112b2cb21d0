"""``usdk verify``: who signed a DICOM object, and whether it is as it was signed."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from usdk.cli.exit_codes import DONE, exit_code
from usdk.cli.signing_options import NOT_FOR_PATIENTS
from usdk.cli.terminal import say
from usdk.cli.verb import Verb
from usdk.errors import (
    ArgumentError,
    DataDamagedError,
    NotTrustedError,
    StorageError,
    UsdkError,
)

if TYPE_CHECKING:
    from usdk.trust import CertificateLike, SignatureReport

__all__ = ["VERB", "is_development"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="DICOM files")
    parser.add_argument(
        "--trust",
        type=Path,
        action="append",
        default=[],
        metavar="PEM",
        help="certificate of an authority, or of a signer, that you trust (repeatable)",
    )
    parser.add_argument(
        "--intermediate",
        type=Path,
        action="append",
        default=[],
        metavar="PEM",
        help="authority between, not trusted by itself (repeatable)",
    )
    parser.add_argument(
        "--revocation-list",
        type=Path,
        action="append",
        default=[],
        metavar="CRL",
        help="revoked certificates, PEM or DER; each authority needs one (repeatable)",
    )
    parser.add_argument(
        "--trust-development",
        action="store_true",
        help="also trust the development key of this machine and user; NOT FOR PATIENTS",
    )
    parser.add_argument("--json", action="store_true", help="as JSON on stdout")


def _run(arguments: argparse.Namespace) -> int:
    sources: list[CertificateLike] = list(arguments.trust)
    if arguments.trust_development:
        sources.append(_development_authority())
    if not sources:
        raise ArgumentError(
            "say whom you trust: --trust authority.pem, or --trust-development (not for patients)"
        )
    # Read once, so that a fault in one of them is not laid on every file.
    trusted, intermediates = _certificates(sources), _certificates(arguments.intermediate)
    revoked = _revocation_lists(arguments.revocation_list)
    results, failure = [], None
    for path in arguments.files:
        result, error = _verify(path, trusted, intermediates, revoked)
        results.append(result)
        failure = failure or error
        if not arguments.json:
            say(_text(result))
    if arguments.json:
        say(json.dumps({"files": results}, indent=2))
    return DONE if failure is None else exit_code(failure)


def _certificates(sources: list[CertificateLike] | list[Path]) -> list[bytes]:
    from usdk.trust.certificate_trust import load_certificates
    from usdk.trust.cryptography_extra import serialization

    encoding = serialization.Encoding.DER
    return [certificate.public_bytes(encoding) for certificate in load_certificates(sources)]


def _revocation_lists(sources: list[Path]) -> list[bytes]:
    from usdk.trust.cryptography_extra import serialization
    from usdk.trust.revocation import load_revocation_lists

    encoding = serialization.Encoding.DER
    return [entry.public_bytes(encoding) for entry in load_revocation_lists(sources)]


def _development_authority() -> bytes:
    from usdk.trust import dev_certificate_authority
    from usdk.trust.development import development_directory

    # Asking for the authority would make one, which can have signed nothing.
    if not development_directory().is_dir():
        raise NotTrustedError(
            "there is no development key of this user on this machine: take --trust, with the "
            "authority of whoever signed"
        )
    return dev_certificate_authority().certificate_pem


def _verify(
    path: Path, trusted: list[bytes], intermediates: list[bytes], revoked: list[bytes]
) -> tuple[dict[str, Any], UsdkError | None]:
    """Return what is known of a file, and why it is not accepted."""
    from usdk.trust import verify_dicom

    result: dict[str, Any] = {"path": str(path)}
    try:
        report = verify_dicom(
            path,
            trusted_certificates=trusted,
            intermediate_certificates=intermediates,
            revocation_lists=revoked,
        )
    except (DataDamagedError, StorageError) as error:
        unknown = {"is_valid": False, "problems": [str(error)], "signatures": []}
        return result | unknown | {"development_key": False}, error
    result |= report.to_dict()
    result["development_key"] = any(map(is_development, report.signatures))
    return result, None if report.is_valid else NotTrustedError("refused")


def is_development(signature: SignatureReport) -> bool:
    """Return whether a development key made the signature, by the mark in its certificate."""
    from usdk.trust.development_certificates import MARK

    return MARK in f"{signature.subject} {signature.issuer}"


def _text(result: dict[str, Any]) -> str:
    lines = [f"{result['path']}: {'valid' if result['is_valid'] else 'REFUSED'}"]
    lines += [f"  problem      {problem}" for problem in result["problems"]]
    for signature in result["signatures"]:
        where = f" ({signature['location']})" if signature["location"] else ""
        lines += [
            f"  signed by    {signature['subject'] or 'unknown'}{where}",
            f"  issued by    {signature['issuer'] or 'unknown'}",
            f"  signed at    {signature['signed_at'] or 'unknown'} by the signer's own clock",
            f"  {'covered' if signature['is_valid'] else 'claims':<12} "
            f"{signature['n_covered']} elements, "
            f"{signature['profile'] or 'no'} profile, {signature['algorithm'] or 'unknown'}",
        ]
    if result["signatures"]:
        uncovered = ", ".join(result["uncovered_tags"]) or "nothing"
        if not any(signature["is_valid"] for signature in result["signatures"]):
            uncovered = "anything, as no signature holds"
        lines.append(f"  not covered  {uncovered}")
    if result["development_key"]:
        lines.append(f"  {NOT_FOR_PATIENTS}")
    return "\n".join(lines)


VERB = Verb(
    name="verify",
    summary="who signed a DICOM object, and whether it is as it was signed",
    description="Checks every digital signature of DICOM files: that the object is unchanged, "
    "that all of it is\ncovered, and that someone you trust vouches for the signer. The status "
    "is 0 only if every\nfile is valid; else it is that of the first file that is not. "
    f"A development key is never\npassed over: '{NOT_FOR_PATIENTS}' is printed.",
    examples=(
        "usdk verify out.dcm --trust authority.pem",
        "usdk verify out/*.dcm --trust-development --json",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
