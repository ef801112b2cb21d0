from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from usdk.errors import ArgumentError
from usdk.export.receiver.development_tls import DevelopmentTls


def test_a_server_is_known_by_this_machine_and_by_the_addresses_given(tmp_path: Path) -> None:
    tls = DevelopmentTls(tmp_path / "tls")
    path, _ = tls.issue("server", "server", addresses=["10.77.0.2", "fd00::2", "127.0.0.1"])
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    found = names.get_values_for_type(x509.IPAddress)
    assert found == [ip_address(one) for one in ("127.0.0.1", "10.77.0.2", "fd00::2")]
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]


def test_what_is_no_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="addresses"):
        DevelopmentTls(tmp_path / "tls").issue("server", "server", addresses=["archive"])
