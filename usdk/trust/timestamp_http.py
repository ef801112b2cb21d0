"""The way to a time-stamping authority: RFC 3161 over HTTP (section 3.4), one POST, no more."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

from usdk.errors import ArgumentError, DeliveryRefusedError, LineDownError
from usdk.trust.timestamp import MAX_RESPONSE_BYTES

__all__ = ["HttpTimeStamper"]

_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
_OK = 200


class HttpTimeStamper:
    """Ask an authority for time stamps; only the digest of a signature leaves this machine.

    Plain HTTP is usual and does no harm: a stamp carries the authority's own signature.

    Parameters
    ----------
    url : str
        ``http://`` or ``https://``, without a user and password.
    timeout_s : float
        For the connection and for each read, s.

    Raises
    ------
    ArgumentError
        The URL is no such one.
    """

    def __init__(self, url: str, *, timeout_s: float = 10.0) -> None:
        if not isinstance(url, str):
            raise ArgumentError("a time-stamping authority is named by its URL, which is text")
        try:
            parts = urlsplit(url)
            is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
            self._port = parts.port
        except ValueError:
            is_usable = False
        if not is_usable or parts.username is not None or not url.isascii() or " " in url:
            raise ArgumentError("a time-stamping authority is named http://… or https://…")
        self._host = str(parts.hostname)
        self._is_secure = parts.scheme == "https"
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._timeout_s = timeout_s

    def __call__(self, request: bytes) -> bytes:
        """Return the answer to a request, both DER.

        Raises
        ------
        LineDownError
            The authority cannot be reached.
        DeliveryRefusedError
            It answered with something else than a time stamp.
        """
        connection = self._connection()
        try:
            connection.request("POST", self._path, request, {"Content-Type": _QUERY})
            response = connection.getresponse()
            kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
            if response.status != _OK or kind != _REPLY:
                raise DeliveryRefusedError(
                    f"the time-stamping authority answered {response.status} and no time stamp: "
                    "check its address"
                )
            return response.read(MAX_RESPONSE_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, DeliveryRefusedError):
                raise
            raise LineDownError(
                "the time-stamping authority cannot be reached: try again later, or sign without"
            ) from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._is_secure:
            return http.client.HTTPSConnection(
                self._host,
                self._port,
                timeout=self._timeout_s,
                context=ssl.create_default_context(),
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
