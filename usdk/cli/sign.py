"""``usdk sign``: one more signature on a DICOM object, by whoever answers for it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from usdk.cli.exit_codes import DONE
from usdk.cli.outputs import add_overwrite_argument, require_writable
from usdk.cli.signing_options import NOT_FOR_PATIENTS, add_signing_arguments, signer_from
from usdk.cli.terminal import remark, say
from usdk.cli.verb import Verb
from usdk.errors import ArgumentError

if TYPE_CHECKING:
    from usdk.trust import Profile, TimeStamper

__all__ = ["VERB"]

_PROFILES: dict[str, Profile | None] = {
    "creator": "CREATOR",
    "authorization": "AUTHORIZATION",
    "base": "BASE",
    "none": None,
}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="DICOM file")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the signed copy"
    )
    parser.add_argument(
        "--profile",
        choices=tuple(_PROFILES),
        help="of PS3.15, which has them for RSA keys alone (default: creator)",
    )
    parser.add_argument(
        "--frame-digests",
        action="store_true",
        help="sign the digests of the decoded frames in place of the pixels: outlasts transcoding",
    )
    parser.add_argument(
        "--digest", choices=("SHA256", "SHA384", "SHA512"), default="SHA256", help="(%(default)s)"
    )
    parser.add_argument(
        "--purpose", type=int, metavar="CODE", help="1 to 18 of PS3.16 CID 7007; 5 is verification"
    )
    parser.add_argument(
        "--time-stamp-url",
        metavar="URL",
        help="time-stamping authority (RFC 3161), which is sent the signature's digest",
    )
    parser.add_argument(
        "--unchecked",
        action="store_true",
        help="sign although 'usdk check' finds errors, or an earlier signature does not hold",
    )
    add_overwrite_argument(parser)
    parser.add_argument("--json", action="store_true", help="the summary as JSON on stdout")
    add_signing_arguments(parser, may_be_unsigned=False)


def _run(arguments: argparse.Namespace) -> int:
    from usdk.dicom import decoded_frames
    from usdk.export.sign_copy import sign_copy
    from usdk.trust import sign_dicom, sign_frame_digests

    if arguments.frame_digests and arguments.profile not in (None, "base"):
        raise ArgumentError("--frame-digests meets the base profile: leave --profile out")
    require_writable(arguments.output, overwrite=arguments.overwrite)
    signer = signer_from(arguments)
    assert signer is not None  # --unsigned is no option here.
    stamper = _stamper(arguments.time_stamp_url)
    target = arguments.output

    def sign(path_in: Path, path_out: Path) -> str:
        if arguments.frame_digests:
            return sign_frame_digests(
                path_in,
                path_out,
                signer,
                frame_decoder=decoded_frames,
                algorithm=arguments.digest,
                purpose=arguments.purpose,
                time_stamper=stamper,
            )
        return sign_dicom(
            path_in,
            path_out,
            signer,
            profile=_PROFILES[arguments.profile or "creator"],
            algorithm=arguments.digest,
            purpose=arguments.purpose,
            time_stamper=stamper,
        )

    uid = sign_copy(arguments.file, target, sign, unchecked=arguments.unchecked)
    summary = {
        "path": str(target),
        "signature_uid": uid,
        "time_stamp": stamper is not None,
        "development_key": arguments.development_key,
    }
    if arguments.development_key:
        remark(NOT_FOR_PATIENTS)
    say(json.dumps(summary, indent=2) if arguments.json else f"{target}: signed, {uid}")
    return DONE


def _stamper(url: str | None) -> TimeStamper | None:
    if url is None:
        return None
    from usdk.trust import HttpTimeStamper

    return HttpTimeStamper(url)


VERB = Verb(
    name="sign",
    summary="one more signature on a DICOM object",
    description="Checks a DICOM file as 'usdk check' does, and writes a copy with one more digital "
    "signature.\nEarlier signatures stay and still hold. A physician who approves what a "
    "technician signed gives\n--profile authorization. With --frame-digests the signature outlasts "
    "transcoding without loss.",
    examples=(
        "usdk sign in.dcm -o out.dcm --profile authorization --purpose 5 "
        "--key 'pkcs11:token=Dr%20A;object=sign?module-path=/usr/lib/opensc-pkcs11.so'",
        "usdk sign in.dcm -o out.dcm --frame-digests --key key.pem --certificate cert.pem",
        "usdk sign in.dcm -o out.dcm --key tpm:0x81010001 --certificate cert.pem "
        "--time-stamp-url http://tsa.example/",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
