"""Which key signs: an explicit choice, never a default."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from usdk.errors import ArgumentError

if TYPE_CHECKING:
    from usdk.trust import Signer

__all__ = ["NOT_FOR_PATIENTS", "add_signing_arguments", "signer_from"]

NOT_FOR_PATIENTS = "development key: not for patients"

_CHOICES = (
    "say who signs: --key key.pem --certificate cert.pem, or --development-key (not for "
    "patients), or --unsigned"
)


def add_signing_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a key."""
    group = parser.add_argument_group("signature", "One choice is needed.")
    group.add_argument("--key", type=Path, metavar="PEM", help="private RSA key that signs")
    group.add_argument("--certificate", type=Path, metavar="PEM", help="its certificate")
    group.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="password of an encrypted key, in the first line of a file that only you can read",
    )
    group.add_argument(
        "--development-key",
        action="store_true",
        help="a key made on this machine on first use; NOT FOR PATIENTS",
    )
    group.add_argument("--unsigned", action="store_true", help="no signature")


def signer_from(arguments: argparse.Namespace) -> Signer | None:
    """Return the signer chosen, or None for ``--unsigned``; `ArgumentError` without a choice."""
    by_file = arguments.key is not None or arguments.certificate is not None
    if by_file + arguments.development_key + arguments.unsigned != 1:
        raise ArgumentError(_CHOICES)
    if arguments.password_file is not None and not by_file:
        raise ArgumentError("--password-file goes with --key")
    if arguments.unsigned:
        return None
    from usdk.trust import FileSigner, dev_signer

    if arguments.development_key:
        return dev_signer()
    if arguments.key is None or arguments.certificate is None:
        raise ArgumentError("--key and --certificate go together")
    return FileSigner(
        arguments.key, arguments.certificate, password=_password(arguments.password_file)
    )


def _password(path: Path | None) -> bytes | None:
    if path is None:
        return None
    from usdk.trust.file_key import read_small_file

    lines = read_small_file(path, private=True).splitlines()
    return lines[0] if lines else b""
