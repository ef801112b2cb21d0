"""One HTTP request and its answer: within limits, without redirects, errors with a type."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urlsplit

from usdk.errors import ArgumentError, DeliveryRefusedError, LineDownError, UsdkError
from usdk.export.lines.deadline import Deadline, DeadlineBackend, Pace
from usdk.export.lines.gzip_body import gunzip
from usdk.export.lines.httpcore_extra import httpcore
from usdk.export.lines.tls_failures import tls_failure

__all__ = ["MAX_RETRY_AFTER_S", "Exchange", "HttpAnswer", "require_url"]

CONNECT_S = 10.0
SILENCE_S = 30.0
"""How long a receiver may be silent in the middle of an exchange."""

MAX_RETRY_AFTER_S = 3600.0
"""Longest wait that a receiver is granted by its Retry-After."""

MAX_CONNECTIONS = 32
KEEP_ALIVE_S = 30.0
_USER_AGENT = b"usdk"


def require_url(url: str, scheme: str, what: str) -> str:
    """Return a URL without its last slash if it has the scheme, a host and no more than a path."""
    try:
        parts = urlsplit(url)
        port_is_sane = parts.port is None or parts.port > 0
    except ValueError:
        port_is_sane = False
    if not port_is_sane or parts.scheme != scheme or not parts.hostname:
        raise ArgumentError(f"{what} must be {scheme}://host:port/path")
    if parts.username is not None or parts.query or parts.fragment:
        raise ArgumentError(f"{what} must have no user, query or fragment: {scheme}://host/path")
    return url.rstrip("/")


@dataclass
class HttpAnswer:
    """The head of an answer; its body is read while the exchange lasts."""

    status: int
    headers: dict[str, str]
    _body: Iterable[bytes]

    @property
    def content_type(self) -> str:
        """Content-Type, or empty."""
        return self.headers.get("content-type", "")

    def decode(self) -> None:
        """Have the body come without its content coding, of which gzip alone is ever asked for."""
        coding = self.headers.get("content-encoding", "identity").strip().lower()
        if coding == "gzip":
            self._body = gunzip(self._body)
        elif coding != "identity":
            raise LineDownError(
                f"the receiver answers in the coding {coding[:20]!r}, which was not asked for: ask"
                " its administrator what answers there"
            )

    def chunks(self, limit_bytes: int) -> Iterator[bytes]:
        """Yield the body; `LineDownError` once it is longer than ``limit_bytes``."""
        n_bytes = 0
        for chunk in self._body:
            n_bytes += len(chunk)
            if n_bytes > limit_bytes:
                raise LineDownError(
                    f"the receiver's answer is longer than {limit_bytes} bytes: ask its"
                    " administrator what answers there"
                )
            yield chunk

    def read(self, limit_bytes: int) -> bytes:
        """Return the whole body."""
        return b"".join(self.chunks(limit_bytes))


class Exchange:
    """Connections to one receiver by HTTP/1.1 and HTTP/2, kept open between requests.

    Parameters
    ----------
    context : ssl.SSLContext
        Judges the receiver at the end of each handshake.
    http2 : bool
        Offer HTTP/2; the receiver chooses.
    proxy : str, optional
        ``http://host:port`` of a proxy that is asked to CONNECT; TLS is with the receiver.
        The environment's proxies play no part.
    pace : Pace
        Limit of rate.
    """

    def __init__(
        self, context: ssl.SSLContext, *, http2: bool, proxy: str | None, pace: Pace
    ) -> None:
        self._deadline = Deadline()
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            http1=True,
            http2=http2,
            proxy=None if proxy is None else httpcore.Proxy(require_url(proxy, "http", "proxy")),
            max_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=DeadlineBackend(self._deadline, pace),
        )

    @contextmanager
    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: Iterable[bytes] | None = None,
        limit_s: float,
    ) -> Iterator[HttpAnswer]:
        """Send a request and yield its answer; all of it, the body too, within ``limit_s``.

        Raises
        ------
        LineDownError
            The receiver cannot be reached, broke off, was too slow or is overloaded.
        NotTrustedError
            It did not prove who it is; nothing was sent.
        DeliveryRefusedError
            It refuses this unit, or sends it elsewhere.
        """
        # A name that is not in the header would be taken from the URL, which is what is wanted.
        sent = [(b"User-Agent", _USER_AGENT)]
        sent += [(name.encode(), value.encode()) for name, value in headers.items()]
        self._deadline.at_s = time.monotonic() + limit_s
        timeouts = {"connect": CONNECT_S, "read": SILENCE_S, "write": SILENCE_S, "pool": limit_s}
        try:
            with self._pool.stream(
                method,
                url,
                headers=sent,
                content=cast(Any, content),
                extensions={"timeout": timeouts},
            ) as response:
                found = {
                    name.decode("latin-1").lower(): value.decode("latin-1")
                    for name, value in response.headers
                }
                answer = HttpAnswer(response.status, found, response.iter_stream())
                _require_answer(answer)
                answer.decode()
                yield answer
        except UsdkError as error:
            raise tls_failure(error) or error from error.__cause__
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise _typed(error) from error
        except (httpcore.ProxyError, httpcore.UnsupportedProtocol) as error:
            raise LineDownError(
                "the proxy does not let this unit through: ask its administrator"
            ) from error
        finally:
            self._deadline.at_s = float("inf")

    def close(self) -> None:
        """Close all connections; may be called twice."""
        self._pool.close()


def _typed(error: Exception) -> UsdkError:
    by_tls = tls_failure(error)
    if by_tls is not None:
        return by_tls
    if isinstance(error, httpcore.TimeoutException):
        return LineDownError("the receiver was too slow or silent: try again later")
    if isinstance(error, httpcore.ConnectError):
        return LineDownError("the receiver cannot be reached: check the network and the address")
    return LineDownError("the receiver broke the connection off: try again later")


def _require_answer(answer: HttpAnswer) -> None:
    """Raise what the status alone settles."""
    status = answer.status
    if 300 <= status < 400:
        raise DeliveryRefusedError(
            f"the receiver sends this unit elsewhere (HTTP {status}), where it does not go: set"
            " the address that the receiver's administrator gives"
        )
    if status in (401, 403, 407, 495, 496):
        raise DeliveryRefusedError(
            f"the receiver refuses this unit (HTTP {status}): have its certificate and its role"
            " enrolled there"
        )
    if status in (408, 425, 429) or status >= 500:
        raise LineDownError(
            f"the receiver cannot take anything now (HTTP {status}): try again later",
            retry_after_s=_retry_after_s(answer.headers.get("retry-after")),
        )


def _retry_after_s(value: str | None) -> float | None:
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(min(int(value[:9]), MAX_RETRY_AFTER_S))
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    wait_s = (moment - datetime.now(UTC)).total_seconds()
    return min(max(wait_s, 0.0), MAX_RETRY_AFTER_S)
