"""The last stage of ``usdk demo``: objects through an outbox to a receiver, read back, confirmed.

Without a configuration the receiver is one of this process: TLS with client certificates, on
loopback, verifying each signature before it stores.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from usdk.cli.progress import Progress
from usdk.errors import LineDownError
from usdk.trust import dev_certificate_authority

if TYPE_CHECKING:
    from usdk.export.lines import Line

__all__ = ["deliver_all"]

_TIMEOUT_S = 120.0


def deliver_all(
    paths: Sequence[Path], configuration: Path | None, progress: Progress
) -> dict[str, Any]:
    """Deliver files, wait until each is confirmed, and return what the summary says of it.

    Raises
    ------
    LineDownError
        Not all were confirmed in time; with a configuration they stay in its outbox.
    MissingExtraError
        The packages for delivery are not installed.
    """
    from usdk.export.delivery import Delivery
    from usdk.export.delivery.configuration import read_configuration
    from usdk.export.outbox import Outbox, State

    with ExitStack() as stack:
        options: dict[str, Any] = {}
        if configuration is not None:
            configured = read_configuration(configuration)
            outbox = stack.enter_context(configured.open_outbox())
            lines = configured.open_lines()
            options = dict(configured.delivery)
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="usdk-demo-")))
            lines = [_loopback(folder, stack)]
            outbox = stack.enter_context(Outbox(folder / "outbox"))
        for line in lines:
            stack.callback(line.close)
        with progress.stage("deliver", "objects", len(paths)) as stage:
            entries = outbox.add_many(paths)
            with Delivery(outbox, lines, **options) as delivery:
                is_done = delivery.wait(_TIMEOUT_S)
            uids = {entry.sop_instance_uid for entry in entries}
            n_confirmed = sum(
                entry.sop_instance_uid in uids and entry.state in (State.CONFIRMED, State.RETAINED)
                for entry in outbox.list()
            )
            stage.advance(n_confirmed)
        if not is_done or n_confirmed < len(paths):
            raise LineDownError(
                f"{n_confirmed} of {len(paths)} objects were confirmed by the receiver:"
                " look at the outbox with 'usdk outbox list'"
            )
        where = "loopback" if configuration is None else ", ".join(line.name for line in lines)
        return {"receiver": where, "n_confirmed": n_confirmed}


def _loopback(folder: Path, stack: ExitStack) -> Line:
    from usdk.export.lines import StowLine, TlsSettings
    from usdk.export.receiver import (
        AuditLog,
        FolderArchive,
        Gate,
        LoopbackReceiver,
        StowService,
    )
    from usdk.export.receiver.development_tls import DevelopmentTls
    from usdk.export.receiver.loopback import server_context

    tls = DevelopmentTls(folder / "tls")
    context = server_context(
        *tls.issue("receiver", "server"),
        trusted_clients=[tls.authority],
        revocation_lists=[tls.revocation_list],
    )
    gate = Gate([dev_certificate_authority().certificate_pem])
    archive = FolderArchive(folder / "archive")
    service = StowService(gate, archive, AuditLog(folder / "audit.log"), spool=folder)
    receiver = stack.enter_context(LoopbackReceiver(service, context))
    certificate, key = tls.issue("unit", "client")
    settings = TlsSettings(
        trusted_certificates=[tls.authority],
        certificate=certificate,
        key=key,
        revocation_lists=[tls.revocation_list],
    )
    return StowLine(receiver.url, tls=settings, name="loopback")
