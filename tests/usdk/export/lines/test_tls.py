from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from delivery_fixtures import read_request, scripted_server
from tls_authority import CLIENT, SERVER

from usdk.errors import ArgumentError, DataDamagedError, NotTrustedError, StorageError
from usdk.export.lines.tls import receiver_context
from usdk.export.lines.tls_certificates import chain_problems, clock_problem, use_problems

TOLERANCE = timedelta(minutes=5)


def _load(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_an_encrypted_key_is_opened_by_its_password(pki):
    certificate, key = pki.authority.issue("locked", password=b"a word")
    settings = {"certificate": certificate, "key": key}
    receiver_context(pki.settings(**settings, password=b"a word"))
    with pytest.raises(NotTrustedError, match="give its password"):
        receiver_context(pki.settings(**settings))
    with pytest.raises(NotTrustedError, match="password"):
        receiver_context(pki.settings(**settings, password=b"another"))


def test_a_password_is_in_no_text_of_the_settings(pki):
    assert "secret" not in repr(pki.settings(password=b"secret"))


def test_a_key_that_others_can_read_is_refused(pki):
    certificate, key = pki.authority.issue("open")
    key.chmod(0o644)
    with pytest.raises(NotTrustedError, match="chmod 600"):
        receiver_context(pki.settings(certificate=certificate, key=key))


def test_a_key_of_another_certificate_is_refused(pki):
    certificate, _ = pki.authority.issue("one")
    _, key = pki.authority.issue("two")
    with pytest.raises(NotTrustedError, match="do not fit"):
        receiver_context(pki.settings(certificate=certificate, key=key))


def test_a_signing_identity_is_refused_for_tls(pki, signing):
    with pytest.raises(NotTrustedError, match="signing objects must not be used for TLS"):
        receiver_context(pki.settings(certificate=signing.certificate_path, key=signing.key_path))


def test_a_servers_certificate_is_refused_for_the_unit(pki):
    with pytest.raises(NotTrustedError, match="not for TLS clients"):
        receiver_context(pki.settings(certificate=pki.server[0], key=pki.server[1]))


def test_files_that_are_not_there_or_not_certificates_are_said(pki, tmp_path):
    with pytest.raises(StorageError, match="no such file"):
        receiver_context(pki.settings(key=tmp_path / "absent"))
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    for name in ("certificate", "trusted_certificates", "revocation_lists"):
        value = junk if name == "certificate" else [junk]
        with pytest.raises(DataDamagedError):
            receiver_context(pki.settings(**{name: value}))
    with pytest.raises(ArgumentError, match="at least one trusted"):
        receiver_context(pki.settings(trusted_certificates=[]))


@pytest.mark.parametrize(
    "options", [{"minimum_version": "1.1"}, {"clock_tolerance_s": -1}, {"clock_tolerance_s": 1e6}]
)
def test_settings_that_would_weaken_it_are_refused(pki, options):
    with pytest.raises(ArgumentError):
        pki.settings(**options)


def test_tls_within_tls_is_not_offered(pki):
    with pytest.raises(ArgumentError, match="http://"):
        receiver_context(pki.settings()).wrap_bio(None, None)


@pytest.mark.parametrize("late", [timedelta(minutes=4), timedelta(minutes=6)])
def test_a_clock_that_is_a_little_wrong_is_tolerated(pki, late):
    now = datetime.now(UTC)
    chain = [_load(pki.authority.issue("fresh", [SERVER], begin=late)[0])]
    chain.append(pki.authority.certificate)
    problems = chain_problems(chain, (), now, TOLERANCE)
    if late < TOLERANCE:
        assert problems == []
    else:
        assert "check the clock first" in problems[0]


def test_a_little_expired_is_tolerated_and_more_is_not(pki):
    now = datetime.now(UTC)
    for end, expired in ((timedelta(minutes=-4), False), (timedelta(minutes=-6), True)):
        leaf = _load(pki.authority.issue("old", [SERVER], end=end)[0])
        problems = chain_problems([leaf, pki.authority.certificate], (), now, TOLERANCE)
        assert any("expired at" in problem for problem in problems) is expired


def test_a_clock_before_what_the_unit_holds_is_behind(pki):
    own = _load(pki.client[0])
    lists = [x509.load_pem_x509_crl(pki.authority.revocation_list(name="now").read_bytes())]
    now = datetime.now(UTC)
    assert clock_problem(own, lists, now, TOLERANCE) is None
    assert clock_problem(own, (), now - timedelta(hours=2), TOLERANCE) is None
    assert "set the clock" in clock_problem(own, lists, now - timedelta(hours=2), TOLERANCE)
    assert "set the clock" in clock_problem(own, (), now - timedelta(days=400), TOLERANCE)


def test_a_unit_whose_clock_is_far_behind_says_so_and_sends_nothing(pki):
    context = receiver_context(
        pki.settings(), clock=lambda: datetime.now(UTC) - timedelta(days=365)
    )
    with (
        scripted_server(pki.server_context(), read_request) as server,
        socket.create_connection(("127.0.0.1", server.port)) as plain,
        pytest.raises(NotTrustedError, match="set the clock"),
    ):
        context.wrap_socket(plain, server_hostname="localhost")
    assert bytes(server.received) == b""


def test_revoked_a_minute_ago_is_revoked_for_a_clock_that_is_behind(pki):
    leaf_path, _ = pki.authority.issue("just-revoked", [SERVER])
    crl = x509.load_pem_x509_crl(pki.authority.revocation_list(leaf_path, name="just").read_bytes())
    chain = [_load(leaf_path), pki.authority.certificate]
    before = datetime.now(UTC) - timedelta(minutes=45)
    assert any("was revoked" in one for one in chain_problems(chain, [crl], before, TOLERANCE))


def test_an_empty_chain_proves_nothing():
    assert chain_problems([], (), datetime.now(UTC), TOLERANCE) == ["it sent no certificate"]


def test_an_authority_is_no_client(pki):
    assert any("authority" in one for one in use_problems(pki.authority.certificate, "client"))
    assert use_problems(_load(pki.client[0]), "client") == []
    assert use_problems(_load(pki.authority.issue("both", [CLIENT, SERVER])[0]), "server") == []
