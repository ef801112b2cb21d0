from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from usdk.errors import ArgumentError
from usdk.export.delivery import configuration
from usdk.export.delivery.configuration import read_configuration
from usdk.trust.development_certificates import issue_development_certificates
from usdk.trust.journal import verify_chain
from usdk.trust.journal_folder import journal_lines

LINE = '[outbox]\nfolder = "o"\n[[line]]\nkind = "stow"\nurl = "https://a"\n{}\n[line.tls]\n'
TLS = 'trusted_certificates = ["a"]\ncertificate = "b"\nkey = "c"\n'


def read(folder: Path, text: str) -> configuration.DeliveryConfiguration:
    path = folder / "deliver.toml"
    path.write_text(text)
    return read_configuration(path)


def test_the_documented_example_is_read(tmp_path: Path) -> None:
    text = (configuration.__doc__ or "").partition("::\n")[2].partition("Relative paths")[0]
    found = read(tmp_path, text.replace("\n    ", "\n"))
    assert str(found.folder) == "/var/lib/usdk/outbox"
    assert found.key == "file:/etc/usdk/outbox.key"
    assert found.outbox["quota_bytes"] == 20_000_000_000
    assert found.delivery == {"bandwidth_bytes_per_s": 1e6, "n_senders": 8, "n_confirmers": 16}
    assert [line["name"] for line in found.lines] == ["fibre"]
    assert found.lines[0]["tls"]["minimum_version"] == "1.3"


def test_the_journal_is_signed_as_the_file_says(
    tmp_path: Path, make_object: Callable[..., bytes]
) -> None:
    certificates = {}
    for name, make in (("rsa", issue_development_certificates), ("ec", _ec_identity)):
        folder = tmp_path / name
        folder.mkdir()
        certificate, key = make()[-2:]
        _write(folder, certificate, key)
        text = (
            '[outbox]\nfolder = "o"\nreserve_bytes = 0\n'
            '[journal]\nkey = "file:k.pem"\ncertificate = "c.pem"\nsign_every = 2\n'
        )
        with read(folder, text).open_outbox() as outbox:
            outbox.add_many([make_object() for _ in range(5)])
        certificates[name] = certificate.public_bytes(serialization.Encoding.DER)
        lines = list(journal_lines(folder / "o" / "journal"))
        report = verify_chain(lines, certificates_der=[certificates[name]])
        assert report.is_whole
        assert report.n_signatures >= 2
    assert not verify_chain(lines, certificates_der=[certificates["rsa"]]).is_whole


def _ec_identity() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "journal")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def _write(folder: Path, certificate: x509.Certificate, key: Any) -> None:
    (folder / "c.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "k.pem").touch(mode=0o600)
    (folder / "k.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def test_paths_count_from_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, '[outbox]\nfolder = "o"').folder == tmp_path / "o"


@pytest.mark.parametrize(
    "text",
    [
        "a = ",
        "a = " + "[" * 5000,
        "a = " + "{a=" * 5000,
        "a = " + "1" * 5000,
        "a = 1",
        "outbox = 3",
        "[outbox]",
        '[outbox]\nfolder = "a\\u0000b"',
        '[outbox]\nfolder = "o"\nkey = "elsewhere"',
        '[outbox]\nfolder = "o"\nquota_bytes = 1e9',
        '[outbox]\nfolder = "o"\nquota_bytes = true',
        '[outbox]\nfolder = "o"\nquota_bytes = 9223372036854775808',
        '[outbox]\nfolder = "o"\nretain_s = nan',
        '[outbox]\nfolder = "o"\n[delivery]\nbandwidth_bit_s = inf',
        '[outbox]\nfolder = "o"\n[delivery]\nbandwidth_bit_s = 1' + "0" * 400,
        '[outbox]\nfolder = "o"\nline = [3]',
        '[outbox]\nfolder = "o"\n[[line]]\nkind = "post"',
        LINE.format("max_rate_bit_s = -inf") + TLS,
        LINE.format("colour = 3") + TLS,
        LINE.format("") + TLS.replace("certificate =", "x ="),
        LINE.format("") + TLS.replace('["a"]', '["a\\u0000"]'),
    ],
)
def test_what_cannot_be_is_refused_and_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ArgumentError):
        read(tmp_path, text)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff")
    with pytest.raises(ArgumentError, match="not TOML"):
        read_configuration(tmp_path / "a.toml")
