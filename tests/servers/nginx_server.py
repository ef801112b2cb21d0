"""nginx on loopback: TLS with client certificates before a server that has none of its own."""

from __future__ import annotations

import shutil
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
from server_process import free_ports, running_server
from tls_identities import TlsIdentities

__all__ = ["start_nginx"]

_ATTEMPTS = 3
_TIMEOUT_S = 60.0
_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 64; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {server.certificate};
        ssl_certificate_key {server.key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_client_certificate {authority};
        ssl_verify_client on;
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_request_buffering off;
        }}
    }}
}}
"""


@contextmanager
def start_nginx(folder: Path, identities: TlsIdentities, upstream_port: int) -> Iterator[int]:
    """Run nginx for the length of a block; yield the port of its TLS, before ``upstream_port``."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        pytest.skip("nginx (Debian's nginx-light) is not installed")
    with ExitStack() as stack:
        for attempt in range(_ATTEMPTS):
            (port,) = free_ports(1)
            place = folder / f"nginx-{attempt}"
            place.mkdir()
            path = place / "nginx.conf"
            path.write_text(
                _CONFIGURATION.format(
                    folder=place,
                    port=port,
                    server=identities.server,
                    authority=identities.authority,
                    upstream=upstream_port,
                )
            )
            command = [program, "-p", place, "-e", "stderr", "-c", path]
            try:
                stack.enter_context(
                    running_server(
                        command, place / "log", is_ready=partial(_answers, port, identities)
                    )
                )
            except RuntimeError:
                # Another process may have taken the port in the meantime.
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            yield port
            return


def _answers(port: int, identities: TlsIdentities) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S) as plain:
            identities.client_context().wrap_socket(plain, server_hostname="127.0.0.1").close()
    except (OSError, ssl.SSLError):
        return False
    return True
