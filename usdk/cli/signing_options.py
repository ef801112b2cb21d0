"""Which key signs: an explicit choice, never a default."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from usdk.errors import ArgumentError

if TYPE_CHECKING:
    from usdk.trust import Signer

__all__ = ["NOT_FOR_PATIENTS", "PIN_VARIABLE", "add_signing_arguments", "signer_from"]

NOT_FOR_PATIENTS = "development key: not for patients"

PIN_VARIABLE = "USDK_KEY_PIN"
"""Environment variable with the key's password or PIN, where no file holds it."""

_CHOICES = (
    "say who signs: --key KEY --certificate cert.pem, or --development-key (not for patients)"
)


def add_signing_arguments(parser: argparse.ArgumentParser, *, may_be_unsigned: bool = True) -> None:
    """Add the options that choose a key."""
    group = parser.add_argument_group("signature", "One choice is needed.")
    group.add_argument(
        "--key",
        metavar="KEY",
        help="private key: a PEM file, pkcs11:token=…;object=…?module-path=… or tpm:0x81…",
    )
    group.add_argument("--certificate", type=Path, metavar="PEM", help="its certificate")
    group.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="password of an encrypted key, or PIN of a token, in the first line of a file that "
        f"only you can read; else {PIN_VARIABLE} in the environment",
    )
    group.add_argument(
        "--development-key",
        action="store_true",
        help="a key made on this machine on first use; NOT FOR PATIENTS",
    )
    if may_be_unsigned:
        group.add_argument("--unsigned", action="store_true", help="no signature")
    else:
        parser.set_defaults(unsigned=False)


def signer_from(arguments: argparse.Namespace) -> Signer | None:
    """Return the signer chosen, or None for ``--unsigned``; `ArgumentError` without a choice."""
    by_key = arguments.key is not None or arguments.certificate is not None
    if by_key + arguments.development_key + arguments.unsigned != 1:
        raise ArgumentError(f"{_CHOICES}, or --unsigned where that is wanted")
    if arguments.password_file is not None and not by_key:
        raise ArgumentError("--password-file goes with --key")
    if arguments.unsigned:
        return None
    from usdk.trust import dev_signer, open_signer

    if arguments.development_key:
        return dev_signer()
    if arguments.key is None:
        raise ArgumentError("--key and --certificate go together")
    return open_signer(
        arguments.key, arguments.certificate, password=_password(arguments.password_file)
    )


def _password(path: Path | None) -> bytes | None:
    if path is None:
        value = os.environ.get(PIN_VARIABLE)
        return None if value is None else os.fsencode(value)
    from usdk.trust.file_key import read_small_file

    lines = read_small_file(path, private=True).splitlines()
    return lines[0] if lines else b""
