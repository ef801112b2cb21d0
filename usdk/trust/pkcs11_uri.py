"""PKCS#11 URIs (RFC 7512): which module, which token, which key; never a PIN."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from usdk.errors import ArgumentError

__all__ = ["MAX_URI_CHARACTERS", "Pkcs11Uri"]

MAX_URI_CHARACTERS = 4096

_PATH = ("token", "serial", "manufacturer", "model", "object", "id", "type", "slot-id")
_QUERY = ("module-path",)


@dataclass(frozen=True)
class Pkcs11Uri:
    """What a PKCS#11 URI names; what it leaves open is None.

    Attributes
    ----------
    module_path : str or None
        The token maker's library, an absolute path.
    token, serial, manufacturer, model : str or None
        Of the token.
    slot_id : int or None
        Where the token is.
    label : str or None
        Attribute ``object``: the key's label.
    key_id : bytes or None
        Attribute ``id``.
    """

    module_path: str | None = None
    token: str | None = None
    serial: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    slot_id: int | None = None
    label: str | None = None
    key_id: bytes | None = None

    @classmethod
    def parse(cls, uri: str) -> Pkcs11Uri:
        """Return what ``uri`` names, or raise `ArgumentError`; the message quotes no value."""
        if not isinstance(uri, str):
            raise ArgumentError("a PKCS#11 URI is text")
        scheme, colon, rest = uri.partition(":")
        if not colon or scheme.lower() != "pkcs11" or len(uri) > MAX_URI_CHARACTERS:
            raise ArgumentError(
                "a key in a token is named pkcs11:token=NAME;object=LABEL?module-path=LIBRARY"
            )
        path, _, query = rest.partition("?")
        found = _attributes(path, ";", _PATH) | _attributes(query, "&", _QUERY)
        if found.get("type", b"private") != b"private":
            raise ArgumentError("a PKCS#11 URI of a key to sign with has type=private")
        slot_id = found.get("slot-id")
        if slot_id is not None and not (slot_id.isdigit() and len(slot_id) < 20):
            raise ArgumentError("slot-id in the PKCS#11 URI is not a number")
        return cls(
            module_path=_text(found, "module-path"),
            token=_text(found, "token"),
            serial=_text(found, "serial"),
            manufacturer=_text(found, "manufacturer"),
            model=_text(found, "model"),
            slot_id=None if slot_id is None else int(slot_id),
            label=_text(found, "object"),
            key_id=found.get("id"),
        )


def _attributes(part: str, separator: str, known: tuple[str, ...]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for piece in part.split(separator) if part else ():
        name, equals, value = piece.partition("=")
        if name in ("pin-value", "pin-source"):
            raise ArgumentError(
                "a PIN does not belong into a PKCS#11 URI, which others can read: "
                "give it by --password-file or in the environment"
            )
        if name not in known or not equals or name in found:
            raise ArgumentError(
                f"the PKCS#11 URI has an attribute that is unknown, empty or repeated: use "
                f"{', '.join((*_PATH, *_QUERY))}"
            )
        try:
            found[name] = unquote_to_bytes(value)
        except UnicodeEncodeError as error:
            # Bytes of a command line that are not UTF-8 arrive as halves of surrogate pairs.
            raise ArgumentError(f"{name} in the PKCS#11 URI is not UTF-8") from error
    return found


def _text(found: dict[str, bytes], name: str) -> str | None:
    value = found.get(name)
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError as error:
        raise ArgumentError(f"{name} in the PKCS#11 URI is not UTF-8") from error
