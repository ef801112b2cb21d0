"""One DICOM association over TLS (PS3.8), every wait of it limited, errors with a type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from usdk.errors import DeliveryRefusedError, LineDownError, UsdkError
from usdk.export.lines.deadline import Pace
from usdk.export.lines.pynetdicom_extra import AE, Association, PresentationContext, evt
from usdk.export.lines.tls import TlsSettings, receiver_context
from usdk.export.lines.tls_failures import tls_failure

__all__ = ["CONNECT_S", "NEGOTIATE_S", "Peer", "associate"]

CONNECT_S = 10.0
"""TCP connection and TLS handshake."""

NEGOTIATE_S = 15.0
"""Answer to a request for an association, or for its release."""

_REJECTED_TRANSIENT = 2


class Peer:
    """A receiver's address and names."""

    def __init__(self, host: str, port: int, called: str, calling: str) -> None:
        self.host = host
        self.port = port
        self.called = called
        self.calling = calling


@contextmanager
def associate(
    peer: Peer,
    tls: TlsSettings,
    contexts: Sequence[PresentationContext],
    *,
    limit_s: float,
    pace: Pace,
    roles: Sequence[Any] = (),
    handlers: Sequence[tuple[Any, ...]] = (),
) -> Iterator[Association]:
    """Yield an association that is established, and release it.

    Parameters
    ----------
    limit_s : float
        Longest wait for the answer to one message, and longest silence.

    Raises
    ------
    LineDownError, NotTrustedError, DeliveryRefusedError
        As `Line` says.
    """
    context = receiver_context(tls)
    entity = AE(ae_title=peer.calling)
    entity.connection_timeout = CONNECT_S
    entity.acse_timeout = NEGOTIATE_S
    entity.dimse_timeout = limit_s
    entity.network_timeout = limit_s
    bound = list(handlers)
    if pace.rate_bit_s is not None:
        bound.append((evt.EVT_DATA_SENT, lambda event: pace.wait(len(event.data))))
    association = entity.associate(
        peer.host,
        peer.port,
        contexts=list(contexts),
        ae_title=peer.called,
        ext_neg=list(roles),
        tls_args=(context, peer.host),
        evt_handlers=bound,
    )
    try:
        if not association.is_established:
            raise _failure(association, context.failure)
        yield association
    finally:
        if association.is_established:
            association.release()
        else:
            association.abort()


def _failure(association: Association, handshake: BaseException | None) -> UsdkError:
    if handshake is not None:
        by_tls = tls_failure(handshake)
        if by_tls is not None:
            return by_tls
        return LineDownError("the receiver cannot be reached: check the network and the address")
    if association.is_rejected:
        answer = association.acceptor.primitive
        if answer is not None and answer.result == _REJECTED_TRANSIENT:
            return LineDownError("the receiver takes no association now: try again later")
        return DeliveryRefusedError(
            "the receiver refuses an association with this unit: have its application entity"
            " titles and address enrolled there"
        )
    if association.acceptor.primitive is not None:
        return DeliveryRefusedError(
            "the receiver accepts none of what is to be sent: ask its administrator which SOP"
            " classes and transfer syntaxes it takes"
        )
    return LineDownError(
        "the receiver cannot be reached, or broke off before the association stood: check the"
        " network, and whether it accepts this unit's certificate"
    )
