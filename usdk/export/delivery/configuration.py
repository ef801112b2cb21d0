"""The configuration of a delivery: one TOML file, checked whole before anything is opened.

::

    [outbox]
    folder = "/var/lib/usdk/outbox"
    key = "file:/etc/usdk/outbox.key"      # or "credential"; absent: objects are not encrypted
    quota_bytes = 20_000_000_000
    reserve_bytes = 1_000_000_000
    alarm_after_s = 3600
    retain_s = 2_592_000

    [journal]                              # absent: the journal is chained and not signed
    key = "file:journal-key.pem"           # or "pkcs11:…", "tpm:0x81…"
    certificate = "journal.pem"
    sign_every = 100

    [delivery]
    bandwidth_bit_s = 8_000_000
    n_senders = 8
    n_confirmers = 16

    [[line]]                               # in order of preference
    kind = "stow"                          # or "dimse": host, port, called_ae_title, …
    name = "fibre"
    url = "https://archive.example:8443/dicom-web"
    http2 = true
    proxy = "http://proxy.example:3128"

    [line.tls]
    trusted_certificates = ["authority.pem"]
    certificate = "unit.pem"
    key = "unit-key.pem"
    revocation_lists = ["authority.crl"]
    minimum_version = "1.3"

Relative paths count from the file's folder.
"""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from usdk.errors import ArgumentError
from usdk.export.lines.line import Line
from usdk.export.lines.tls import TlsSettings
from usdk.export.outbox.keys import CredentialKeyStore, FileKeyStore, KeyStore
from usdk.export.outbox.outbox import Outbox
from usdk.trust import Signer, open_signer
from usdk.trust.file_key import read_small_file

__all__ = ["DeliveryConfiguration", "read_configuration"]

_OUTBOX = {
    "folder": str,
    "key": str,
    "quota_bytes": int,
    "reserve_bytes": int,
    "alarm_after_s": float,
    "retain_s": float,
    "actor": str,
}
_JOURNAL = {"key": str, "certificate": str, "password_file": str, "sign_every": int}
_DELIVERY = {"bandwidth_bit_s": float, "n_senders": int, "n_confirmers": int}
_STOW = {
    "kind": str,
    "name": str,
    "url": str,
    "http2": bool,
    "proxy": str,
    "max_rate_bit_s": float,
    "trusted_signers": list,
    "tls": dict,
}
_DIMSE = {
    "kind": str,
    "name": str,
    "host": str,
    "port": int,
    "called_ae_title": str,
    "calling_ae_title": str,
    "max_rate_bit_s": float,
    "tls": dict,
}
_TLS = {
    "trusted_certificates": list,
    "certificate": str,
    "key": str,
    "password_file": str,
    "revocation_lists": list,
    "minimum_version": str,
    "clock_tolerance_s": float,
}


@dataclass(frozen=True)
class DeliveryConfiguration:
    """What a configuration file says, checked; nothing is opened yet.

    Attributes
    ----------
    outbox, delivery : dict
        Options of `Outbox`, its folder and key aside, and of `Delivery`.
    folder : Path
        The outbox.
    journal : dict
        Who signs the journal, and how often; empty for nobody.
    key : str
        Where its keys come from; empty for none.
    lines : tuple of dict
        Each line's options.
    """

    folder: Path
    key: str
    lines: tuple[Mapping[str, Any], ...]
    outbox: Mapping[str, Any] = field(default_factory=dict)
    journal: Mapping[str, Any] = field(default_factory=dict)
    delivery: Mapping[str, Any] = field(default_factory=dict)
    base: Path = Path()

    def open_outbox(self) -> Outbox:
        """Open the outbox."""
        options = dict(self.outbox)
        if "sign_every" in self.journal:
            options["sign_every"] = self.journal["sign_every"]
        return Outbox(self.folder, keys=self._keys(), signer=self._signer(), **options)

    def open_lines(self) -> list[Line]:
        """Make the lines; nothing connects yet."""
        return [self._line(options) for options in self.lines]

    def _keys(self) -> KeyStore | None:
        if not self.key:
            return None
        if self.key == "credential":
            return CredentialKeyStore()
        return FileKeyStore(self.base / self.key.removeprefix("file:"))

    def _signer(self) -> Signer | None:
        if not self.journal:
            return None
        key, certificate = self.journal["key"], self.journal["certificate"]
        if not key.startswith(("pkcs11:", "tpm:")):
            key = self.base / key.removeprefix("file:")
        password = self._password(self.journal.get("password_file"))
        return open_signer(key, self.base / certificate, password=password)

    def _password(self, password_file: str | None) -> bytes | None:
        if password_file is None:
            return None
        lines = read_small_file(self.base / password_file, private=True).splitlines()
        return lines[0] if lines else b""

    def _line(self, options: Mapping[str, Any]) -> Line:
        from usdk.export.lines import DimseLine, StowLine

        rest = {name: value for name, value in options.items() if name not in ("kind", "tls")}
        tls = self._tls(options["tls"])
        if options["kind"] == "dimse":
            return DimseLine(tls=tls, **rest)
        if "trusted_signers" in rest:
            rest["trusted_signers"] = [self.base / path for path in rest["trusted_signers"]]
        return StowLine(tls=tls, **rest)

    def _tls(self, options: Mapping[str, Any]) -> TlsSettings:
        values = dict(options)
        password_file = values.pop("password_file", None)
        for name in ("trusted_certificates", "revocation_lists"):
            if name in values:
                values[name] = [self.base / path for path in values[name]]
        for name in ("certificate", "key"):
            values[name] = self.base / values[name]
        password = self._password(password_file)
        if password is not None:
            values["password"] = password
        return TlsSettings(**values)


def read_configuration(path: str | os.PathLike[str]) -> DeliveryConfiguration:
    """Read a configuration file.

    Raises
    ------
    ArgumentError
        It is no TOML, or an option is unknown, missing or of the wrong type; the message names it.
    StorageError
        It cannot be read.
    """
    path = Path(path)
    try:
        content = tomllib.loads(read_small_file(path).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"{path.name} is not TOML: {error}") from error
    _check(
        content,
        {"outbox": dict, "journal": dict, "delivery": dict, "line": list},
        "the file",
        ("outbox",),
    )
    outbox = _check(content["outbox"], _OUTBOX, "[outbox]", ("folder",))
    delivery = _check(content.get("delivery", {}), _DELIVERY, "[delivery]")
    journal = {}
    if "journal" in content:
        journal = _check(content["journal"], _JOURNAL, "[journal]", ("key", "certificate"))
    lines = [_check_line(line) for line in content.get("line", [])]
    folder, key = path.parent / outbox.pop("folder"), outbox.pop("key", "")
    if key and key != "credential" and not key.startswith("file:"):
        raise ArgumentError('[outbox] key must be "credential" or "file:PATH"')
    if "bandwidth_bit_s" in delivery:
        delivery["bandwidth_bytes_per_s"] = delivery.pop("bandwidth_bit_s") / 8
    return DeliveryConfiguration(folder, key, tuple(lines), outbox, journal, delivery, path.parent)


def _check_line(line: object) -> dict[str, Any]:
    kind = line.get("kind") if isinstance(line, dict) else None
    if kind not in ("stow", "dimse"):
        raise ArgumentError('each [[line]] needs kind = "stow" or kind = "dimse"')
    if kind == "stow":
        checked = _check(line, _STOW, "[[line]]", ("url", "tls"))
    else:
        checked = _check(line, _DIMSE, "[[line]]", ("host", "port", "tls"))
    _check(checked["tls"], _TLS, "[line.tls]", ("trusted_certificates", "certificate", "key"))
    return checked


def _can_be_used(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_can_be_used, value))
    if isinstance(value, str):
        return "\0" not in value
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _check(
    table: object,
    known: Mapping[str, Callable[..., Any]],
    where: str,
    needed: tuple[str, ...] = (),
) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ArgumentError(f"{where} must be a table")
    for name, value in table.items():
        if name not in known:
            raise ArgumentError(f"{where} has no option {name!r}: known are {', '.join(known)}")
        expected = known[name]
        types = (int, float) if expected is float else (expected,)
        if type(value) not in types:
            raise ArgumentError(f"{where} {name} must be of type {expected.__name__}")
        if not _can_be_used(value):
            raise ArgumentError(
                f"{where} {name} must be finite, of 64 bits, and without a zero byte"
            )
    missing = [name for name in needed if name not in table]
    if missing:
        raise ArgumentError(f"{where} lacks {', '.join(missing)}")
    return dict(table)
