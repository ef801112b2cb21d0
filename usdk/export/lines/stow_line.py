"""StowLine: DICOMweb over TLS (PS3.18): stored by STOW-RS, read back by WADO-RS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from usdk.errors import ArgumentError, DataDamagedError, DeliveryRefusedError
from usdk.export.lines.data_set import chunks_of, data_set_bytes, same_data_set
from usdk.export.lines.deadline import Pace
from usdk.export.lines.exchange import Exchange, HttpAnswer, require_url
from usdk.export.lines.line import Acknowledgement, Answer, Confirmation, Line, Outgoing
from usdk.export.lines.multipart import Multipart, boundary_of, read_parts
from usdk.export.lines.stow_answer import NOT_NAMED, read_stow_answer
from usdk.export.lines.tls import TlsSettings, receiver_context
from usdk.export.lines.transcoded import MAX_TRANSCODED_BYTES, holds_under_signature
from usdk.trust.certificate_trust import CertificateLike

__all__ = ["StowLine"]

MAX_ANSWER_BYTES = 4 << 20
"""Longest answer to a store request."""

CHECK_S = 15.0
"""Time limit of a health check."""

BASE_S = 60.0
MIN_RATE_BYTES_S = 4096.0
"""Time limit of a transfer: `BASE_S`, and as long as its bytes take at this rate."""

MAX_PART_OVERHEAD_BYTES = 1 << 20
"""What a receiver may add around an object: its file meta information and the multipart frame."""

_BLAMES_REQUEST = (400, 405, 406, 409, 411, 413, 415, 422)
_NOBODY = "2.25.0"
_ANY_CODING = 'multipart/related; type="application/dicom"; transfer-syntax=*'

_Content = Callable[[int], Iterator[bytes]]


class StowLine(Line):
    """DICOMweb to one receiver, over HTTP/1.1 or HTTP/2 with a client certificate.

    Parameters
    ----------
    url : str
        Root of the receiver's DICOMweb service, ``https://host:port/path``.
    tls : TlsSettings
        Whom to trust, and who this unit is.
    name : str
        What messages and the journal call the line; the host by default.
    http2 : bool
        Offer HTTP/2 for sending; objects are read back by HTTP/1.1.
    proxy : str, optional
        ``http://host:port``; without it none is used, whatever the environment says.
    max_rate_bit_s : float, optional
        Limit of the rate of sending, bit/s.
    trusted_signers : sequence of bytes or path-like
        Certificates that vouch for the signers of what is sent. With them an object that the
        receiver has transcoded can be confirmed by its signature over frame digests; without them
        it counts as different.

    Raises
    ------
    ArgumentError
        The URL is not HTTPS, or an option is out of range.
    NotTrustedError, StorageError, DataDamagedError
        The unit's TLS certificate or key cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        tls: TlsSettings,
        name: str = "",
        http2: bool = False,
        proxy: str | None = None,
        max_rate_bit_s: float | None = None,
        trusted_signers: Sequence[CertificateLike] = (),
    ) -> None:
        self._url = require_url(url, "https", "the receiver's address")
        if max_rate_bit_s is not None and not max_rate_bit_s > 0:
            raise ArgumentError("max_rate_bit_s must be positive, or None for no limit")
        self.name = name or self._url.removeprefix("https://")
        self._trusted_signers = tuple(trusted_signers)
        self._max_rate_bit_s = max_rate_bit_s
        pace = Pace(max_rate_bit_s)
        self._exchange = Exchange(receiver_context(tls), http2=http2, proxy=proxy, pace=pace)
        # By HTTP/2 the library grants an answer 64 KiB a round trip: too little for a long line.
        self._reading = self._exchange
        if http2:
            self._reading = Exchange(receiver_context(tls), http2=False, proxy=proxy, pace=pace)

    def check(self) -> None:
        """Ask for an object that is not there: gate and archive answer, and no patient is named."""
        url = self._instance_url(_NOBODY, _NOBODY, _NOBODY)
        headers = {"Accept": _ANY_CODING}
        with self._exchange.request("GET", url, headers=headers, limit_s=CHECK_S) as answer:
            if answer.status not in (200, 204, 404, 406, 410):
                raise DeliveryRefusedError(
                    f"what answers there does not serve this unit (HTTP {answer.status}): check"
                    " the address, and whether it accepts this unit's certificate"
                )

    def send(self, objects: Sequence[Outgoing]) -> list[Acknowledgement]:
        """Store objects of one study in one request; see `Line.send`.

        What the receiver's body says of an instance counts, and the status code does not. If the
        receiver blames the request as a whole, its objects are sent one by one.
        """
        if not objects:
            return []
        if len({one.study_instance_uid for one in objects}) > 1:
            raise ArgumentError("send objects of one study at a time")
        body = Multipart([(one.size_bytes, one.open) for one in objects])
        headers = {
            "Content-Type": body.content_type,
            "Content-Length": str(body.n_bytes),
            "Accept": "application/dicom+json",
        }
        url = f"{self._url}/studies"
        with self._exchange.request(
            "POST", url, headers=headers, content=body, limit_s=self._limit_s(body.n_bytes)
        ) as answer:
            status = answer.status
            found = self._acknowledgements(answer, [one.sop_instance_uid for one in objects])
        if found is not None:
            return found
        if status not in _BLAMES_REQUEST:
            raise DeliveryRefusedError(
                f"what answers there does not store objects (HTTP {status}): check the address"
            )
        if len(objects) > 1:
            return [acknowledgement for one in objects for acknowledgement in self.send([one])]
        # Some gates answer 400 to a certificate that they do not take; this would say so.
        self.check()
        uid = objects[0].sop_instance_uid
        return [Acknowledgement(uid, Answer.REFUSED, f"the receiver refuses it (HTTP {status})")]

    def _acknowledgements(
        self, answer: HttpAnswer, uids: Sequence[str]
    ) -> list[Acknowledgement] | None:
        """Return what the body says; None if the status is an error and the body names none."""
        body = answer.read(MAX_ANSWER_BYTES)
        try:
            found = read_stow_answer(answer.content_type, body, uids)
        except DataDamagedError as error:
            found = [Acknowledgement(uid, Answer.NOT_NOW, str(error)) for uid in uids]
            return found if answer.status < 400 else None
        is_silent = all(one.reason == NOT_NAMED for one in found)
        return None if is_silent and answer.status >= 400 else found

    def confirm(self, sent: Outgoing) -> Confirmation:
        """Read the object back in whatever coding the receiver keeps it, and compare."""
        limit_bytes = sent.size_bytes + MAX_PART_OVERHEAD_BYTES
        with self._read_back(sent) as theirs, sent.open() as file:
            if theirs is None:
                return Confirmation.ABSENT
            ours = data_set_bytes(chunks_of(file))
            try:
                is_same = same_data_set(ours, data_set_bytes(theirs(limit_bytes)))
            except DataDamagedError:
                is_same = False
        if is_same:
            return Confirmation.CONFIRMED
        if not self._trusted_signers:
            return Confirmation.DIFFERENT
        with self._read_back(sent) as theirs:
            if theirs is None:
                return Confirmation.ABSENT
            try:
                received = b"".join(theirs(MAX_TRANSCODED_BYTES))
            except DataDamagedError:
                return Confirmation.DIFFERENT
        with sent.open() as file:
            original = file.read()
        holds = holds_under_signature(original, received, self._trusted_signers)
        return Confirmation.TRANSCODED if holds else Confirmation.DIFFERENT

    def close(self) -> None:
        """Close all connections."""
        self._exchange.close()
        self._reading.close()

    @contextmanager
    def _read_back(self, sent: Outgoing) -> Iterator[_Content | None]:
        """Yield what gives the receiver's file within a limit of bytes; None if it has none."""
        url = self._instance_url(
            sent.study_instance_uid, sent.series_instance_uid, sent.sop_instance_uid
        )
        # Read back whole, yet it need not cross the line as long as it is.
        headers = {"Accept": _ANY_CODING, "Accept-Encoding": "gzip"}
        limit_s = self._limit_s(sent.size_bytes)
        with self._reading.request("GET", url, headers=headers, limit_s=limit_s) as answer:
            if answer.status in (204, 404, 410):
                yield None
                return
            if answer.status != 200:
                raise DeliveryRefusedError(
                    f"the receiver does not give objects back (HTTP {answer.status}): have"
                    " read-back enrolled for this unit, or confirm by another line"
                )

            def content(limit_bytes: int) -> Iterator[bytes]:
                boundary = boundary_of(answer.content_type)
                part = next(read_parts(answer.chunks(limit_bytes), boundary), None)
                return iter(()) if part is None else part.content

            yield content

    def _instance_url(self, study: str, series: str, instance: str) -> str:
        return f"{self._url}/studies/{study}/series/{series}/instances/{instance}"

    def _limit_s(self, n_bytes: int) -> float:
        rate = MIN_RATE_BYTES_S
        if self._max_rate_bit_s is not None:
            rate = min(rate, self._max_rate_bit_s / 8 / 2)
        return BASE_S + n_bytes / rate
