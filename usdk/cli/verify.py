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
from usdk.cli.verify_text import verification_text
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
    parser.add_argument(
        "--profile",
        action="append",
        choices=("creator", "authorization", "base", "none"),
        help="of PS3.15, that a signature must meet; repeated, each by another signer; none for "
        "elliptic-curve keys (default: creator)",
    )
    parser.add_argument(
        "--allow-unsigned",
        action="store_true",
        help="accept elements that no signature covers; they are named",
    )
    parser.add_argument(
        "--trust-time-stamps",
        type=Path,
        action="append",
        default=[],
        metavar="PEM",
        help="who vouches for time-stamping authorities; each stamp must be one of theirs "
        "(repeatable)",
    )
    parser.add_argument(
        "--require-time-stamp", action="store_true", help="refuse a signature without one"
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
    demands = {
        "trusted_certificates": _certificates(sources),
        "intermediate_certificates": _certificates(arguments.intermediate),
        "revocation_lists": _revocation_lists(arguments.revocation_list),
        "timestamp_certificates": _certificates(arguments.trust_time_stamps),
        "require_timestamp": arguments.require_time_stamp,
        "profile": _profiles(arguments.profile),
        "allow_uncovered": arguments.allow_unsigned,
    }
    results, failure = [], None
    for path in arguments.files:
        result, error = _verify(path, demands)
        results.append(result)
        failure = failure or error
        if not arguments.json:
            say(verification_text(result))
    if arguments.json:
        say(json.dumps({"files": results}, indent=2))
    return DONE if failure is None else exit_code(failure)


def _profiles(names: list[str] | None) -> tuple[str, ...] | None:
    if names is not None and "none" in names:
        if len(names) > 1:
            raise ArgumentError("--profile none goes with no other")
        return None
    return tuple(name.upper() for name in names or ["creator"])


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


def _verify(path: Path, demands: dict[str, Any]) -> tuple[dict[str, Any], UsdkError | None]:
    """Return what is known of a file, and why it is not accepted."""
    from usdk.dicom import decoded_frames
    from usdk.trust import verify_dicom

    result: dict[str, Any] = {"path": str(path)}
    try:
        report = verify_dicom(path, frame_decoder=decoded_frames, **demands)
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


VERB = Verb(
    name="verify",
    summary="who signed a DICOM object, and whether it is as it was signed",
    description="Checks every digital signature of DICOM files: that the object is unchanged, "
    "that all of it is\ncovered, and that someone you trust vouches for the signer. The status "
    "is 0 only if every\nfile is valid; else it is that of the first file that is not. "
    f"A development key is never\npassed over: '{NOT_FOR_PATIENTS}' is printed.",
    examples=(
        "usdk verify out.dcm --trust authority.pem --profile creator --profile authorization",
        "usdk verify out.dcm --trust authority.pem",
        "usdk verify out/*.dcm --trust-development --json",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
