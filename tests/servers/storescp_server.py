"""DCMTK's storescp on loopback: DICOM over TLS with client certificates; it keeps what is sent."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from server_process import free_ports, running_server
from tls_identities import TlsIdentities

__all__ = ["StoreScp", "start_storescp", "storescp"]

_ATTEMPTS = 3
_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class StoreScp:
    """Where a running storescp listens, and where it puts what it gets."""

    port: int
    folder: Path
    ae_title: str = "STORESCP"
    host: str = "127.0.0.1"


@contextmanager
def start_storescp(folder: Path, identities: TlsIdentities) -> Iterator[StoreScp]:
    """Run a storescp for the length of a block; the test is skipped where it is not installed."""
    program = shutil.which("storescp", path="/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("DCMTK's storescp (Debian's dcmtk) is not installed")
    received = folder / "received"
    received.mkdir()
    with ExitStack() as stack:
        for attempt in range(_ATTEMPTS):
            (port,) = free_ports(1)
            command = [
                program,
                *("-aet", "STORESCP", "--accept-all", "--bit-preserving", "-od", received),
                *("+tls", identities.server.key, identities.server.certificate),
                *("+cf", identities.authority, "--require-peer-cert"),
                str(port),
            ]
            log = folder / f"storescp-{attempt}.log"
            try:
                stack.enter_context(running_server(command, log, is_ready=partial(_answers, port)))
            except RuntimeError:
                # Another process may have taken the port in the meantime.
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            yield StoreScp(port, received)
            return


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def storescp(
    tmp_path_factory: pytest.TempPathFactory, tls_identities: TlsIdentities
) -> Iterator[StoreScp]:
    """Return a storescp that runs until the session ends."""
    with start_storescp(tmp_path_factory.mktemp("storescp"), tls_identities) as server:
        yield server
