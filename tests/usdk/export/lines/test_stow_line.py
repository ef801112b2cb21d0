"""Delivery by DICOMweb: to a receiver that is honest, and to those that are not."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time
import warnings
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from delivery_fixtures import http_answer, in_memory, outgoing, read_request, scripted_server
from tls_authority import CLIENT, SERVER, TlsAuthority

from usdk.errors import (
    ArgumentError,
    DeliveryRefusedError,
    LineDownError,
    NotTrustedError,
)
from usdk.export.lines import Answer, Confirmation, StowLine, exchange, stow_line
from usdk.export.receiver import AuditLog, FolderArchive, Gate, LoopbackReceiver, StowService
from usdk.export.receiver.loopback import server_context

JSON = "Content-Type: application/dicom+json"


@pytest.fixture
def receiver(pki, signing, tmp_path):
    audit = AuditLog()
    service = StowService(Gate([signing.authority_pem]), FolderArchive(tmp_path / "kept"), audit)
    context = server_context(*pki.server, trusted_clients=[pki.authority.path])
    with LoopbackReceiver(service, context) as running:
        running.audit = audit
        running.kept = tmp_path / "kept"
        yield running


@contextmanager
def line_to(server, pki, **options):
    settings = options.pop("tls", None) or pki.settings()
    line = StowLine(server.url, tls=settings, **options)
    try:
        yield line
    finally:
        line.close()


def stored(*uids):
    items = [{"00081155": {"vr": "UI", "Value": [uid]}} for uid in uids]
    return json.dumps({"00081199": {"vr": "SQ", "Value": items}}).encode()


def test_objects_arrive_and_are_confirmed(receiver, pki, signed_files):
    objects = [outgoing(path) for path in signed_files]
    with line_to(receiver, pki) as line:
        line.check()
        answers = line.send(objects)
        assert [one.sop_instance_uid for one in answers] == [o.sop_instance_uid for o in objects]
        assert {one.answer for one in answers} == {Answer.ACCEPTED}
        assert [line.confirm(one) for one in objects] == [Confirmation.CONFIRMED] * 3
    kept = {path.read_bytes() for path in receiver.kept.rglob("*.dcm")}
    assert kept == {path.read_bytes() for path in signed_files}
    assert [event["event"] for event in receiver.audit.events] == ["stored"] * 3
    assert {event["peer"] for event in receiver.audit.events} == {"CN=unit-1"}


def test_sending_again_changes_nothing(receiver, pki, signed_file):
    sent = outgoing(signed_file)
    with line_to(receiver, pki) as line:
        for _ in range(2):
            assert line.send([sent])[0].answer is Answer.ACCEPTED
    assert len(list(receiver.kept.rglob("*.dcm"))) == 1


def test_an_object_that_never_arrived_is_absent(receiver, pki, signed_file):
    with line_to(receiver, pki) as line:
        assert line.confirm(outgoing(signed_file)) is Confirmation.ABSENT


def test_one_bad_object_does_not_hold_up_the_others(receiver, pki, signed_files):
    objects = [outgoing(path) for path in signed_files]
    content = signed_files[1].read_bytes()
    objects[1] = in_memory(content.replace(b"SN-0042", b"SN-0043"), objects[1])
    with line_to(receiver, pki) as line:
        answers = [one.answer for one in line.send(objects)]
        assert answers == [Answer.ACCEPTED, Answer.REFUSED, Answer.ACCEPTED]
        assert line.confirm(objects[1]) is Confirmation.ABSENT
    refused = [one for one in receiver.audit.events if one["event"] == "object refused"]
    assert [one["sop_instance_uid"] for one in refused] == [objects[1].sop_instance_uid]


def test_other_bytes_under_the_same_uid_are_different(receiver, pki, signed_file):
    sent = outgoing(signed_file)
    other = signed_file.read_bytes()[:-2] + b"XX"
    with line_to(receiver, pki) as line:
        line.send([sent])
        assert line.confirm(in_memory(other, sent)) is Confirmation.DIFFERENT
        assert line.confirm(in_memory(other[:-200], sent)) is Confirmation.DIFFERENT


def test_other_file_meta_information_is_no_difference(receiver, pki, signed_file):
    sent = outgoing(signed_file)
    content = signed_file.read_bytes()
    with line_to(receiver, pki) as line:
        line.send([sent])
        assert line.confirm(in_memory(b"\1" * 128 + content[128:], sent)) is Confirmation.CONFIRMED


def test_objects_of_two_studies_are_not_one_request(pki, receiver, signed_files):
    one, other = (outgoing(path) for path in signed_files[:2])
    other = type(other)(**{**vars(other), "study_instance_uid": "2.25.7"})
    with line_to(receiver, pki) as line:
        assert line.send([]) == []
        with pytest.raises(ArgumentError, match="one study"):
            line.send([one, other])


def test_the_answer_counts_and_the_status_does_not(pki, signed_files):
    objects = [outgoing(path) for path in signed_files]

    def drop_the_last(connection, server):
        read_request(connection, server)
        uids = [one.sop_instance_uid for one in objects[:-1]]
        connection.sendall(http_answer("200 OK", stored(*uids), JSON))

    with (
        scripted_server(pki.server_context(), drop_the_last) as server,
        line_to(server, pki) as (line),
    ):
        answers = line.send(objects)
    assert [one.answer for one in answers] == [Answer.ACCEPTED, Answer.ACCEPTED, Answer.NOT_NOW]
    assert "does not name it" in answers[2].reason


@pytest.mark.parametrize("body", [b"", b"ok", b"{", b"[]", b"[1]", b"<html/>", b'{"00081199": 1}'])
def test_200_with_nothing_in_it_is_no_acceptance(pki, signed_file, body):
    def behave(connection, server):
        read_request(connection, server)
        connection.sendall(http_answer("200 OK", body, "Content-Type: text/html"))

    with scripted_server(pki.server_context(), behave) as server, line_to(server, pki) as line:
        assert line.send([outgoing(signed_file)])[0].answer is Answer.NOT_NOW


def test_what_says_stored_and_dropped_it_is_found_out(pki, signed_file):
    sent = outgoing(signed_file)

    def behave(connection, server):
        request = read_request(connection, server)
        if request.startswith(b"POST"):
            connection.sendall(http_answer("200 OK", stored(sent.sop_instance_uid), JSON))
            read_request(connection, server)
        connection.sendall(http_answer("404 Not Found"))

    with scripted_server(pki.server_context(), behave) as server, line_to(server, pki) as line:
        assert line.send([sent])[0].answer is Answer.ACCEPTED
        assert line.confirm(sent) is Confirmation.ABSENT


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-50],
        lambda content: content[:140],
        lambda content: content + b"\0\0",
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda _: b"",
        lambda _: b"something else entirely" * 20,
    ],
)
def test_something_else_given_back_is_different(pki, signed_file, damage):
    def behave(connection, server):
        read_request(connection, server)
        body = b"--b\r\n\r\n" + damage(signed_file.read_bytes()) + b"\r\n--b--\r\n"
        kind = 'Content-Type: multipart/related; type="application/dicom"; boundary=b'
        connection.sendall(http_answer("200 OK", body, kind))

    with scripted_server(pki.server_context(), behave) as server, line_to(server, pki) as line:
        assert line.confirm(outgoing(signed_file)) is Confirmation.DIFFERENT


@pytest.mark.parametrize(
    ("n_left_out", "found"), [(0, Confirmation.CONFIRMED), (30, Confirmation.DIFFERENT)]
)
def test_what_comes_back_compressed_is_compared_as_it_was(pki, signed_file, n_left_out, found):
    def behave(connection, server):
        read_request(connection, server)
        body = gzip.compress(b"--b\r\n\r\n" + signed_file.read_bytes() + b"\r\n--b--\r\n")
        kind = "Content-Type: multipart/related; boundary=b"
        cut = body[: len(body) - n_left_out]
        connection.sendall(http_answer("200 OK", cut, kind, "Content-Encoding: gzip"))

    with scripted_server(pki.server_context(), behave) as server, line_to(server, pki) as line:
        assert line.confirm(outgoing(signed_file)) is found
        assert b"accept-encoding: gzip" in bytes(server.received).lower()


def test_a_coding_that_was_not_asked_for_is_a_line_that_is_down(pki, signed_file):
    def behave(connection, server):
        read_request(connection, server)
        kind = "Content-Type: multipart/related; boundary=b"
        connection.sendall(http_answer("200 OK", b"?", kind, "Content-Encoding: br"))

    with (
        scripted_server(pki.server_context(), behave) as server,
        line_to(server, pki) as line,
        pytest.raises(LineDownError, match="not asked for"),
    ):
        line.confirm(outgoing(signed_file))


def test_a_connection_that_is_cut_while_reading_back_proves_nothing(pki, signed_file):
    def behave(connection, server):
        read_request(connection, server)
        body = b"--b\r\n\r\n" + signed_file.read_bytes() + b"\r\n--b--\r\n"
        kind = "Content-Type: multipart/related; boundary=b"
        connection.sendall(http_answer("200 OK", body, kind)[:-600])

    with (
        scripted_server(pki.server_context(), behave) as server,
        line_to(server, pki) as line,
        pytest.raises(LineDownError, match="broke"),
    ):
        line.confirm(outgoing(signed_file))


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(pki, signed_file, status):
    with scripted_server(pki.server_context(), lambda *_: None) as elsewhere:

        def behave(connection, server):
            read_request(connection, server)
            connection.sendall(http_answer(status, b"", f"Location: {elsewhere.url}/studies"))

        with scripted_server(pki.server_context(), behave) as server, line_to(server, pki) as line:
            for call in (
                line.check,
                lambda: line.send([outgoing(signed_file)]),
                lambda: line.confirm(outgoing(signed_file)),
            ):
                with pytest.raises(DeliveryRefusedError, match="elsewhere"):
                    call()
        assert elsewhere.n_connections == 0


@pytest.mark.parametrize(
    ("status", "header", "wait_s"),
    [
        ("503 Service Unavailable", "Retry-After: 120", 120.0),
        ("429 Too Many Requests", "Retry-After: 999999999999", 3600.0),
        ("503 Service Unavailable", "Retry-After: soon", None),
        ("500 Internal Server Error", "X: y", None),
        ("502 Bad Gateway", "X: y", None),
    ],
)
def test_an_overloaded_receiver_is_down_for_as_long_as_it_says(
    pki, signed_file, status, header, wait_s
):
    def behave(connection, server):
        read_request(connection, server)
        connection.sendall(http_answer(status, b"later", header))

    with (
        scripted_server(pki.server_context(), behave) as server,
        line_to(server, pki) as line,
        pytest.raises(LineDownError, match="try again later") as caught,
    ):
        line.send([outgoing(signed_file)])
    assert caught.value.retry_after_s == wait_s


def test_a_date_to_retry_after_is_understood():
    when = datetime.now(UTC) + timedelta(seconds=100)
    text = when.strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert exchange._retry_after_s(text) == pytest.approx(100, abs=5)


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_refused_unit_is_told_so(pki, signed_file, status):
    def behave(connection, server):
        read_request(connection, server)
        connection.sendall(http_answer(status))

    with (
        scripted_server(pki.server_context(), behave) as server,
        line_to(server, pki) as line,
        pytest.raises(DeliveryRefusedError, match="role"),
    ):
        line.send([outgoing(signed_file)])


def test_a_request_too_large_is_sent_one_by_one(pki, signed_files):
    objects = [outgoing(path) for path in signed_files]
    posts = []

    def behave(connection, server):
        while request := read_request(connection, server):
            posts.append(request.count(b"DICM"))
            if request.count(b"DICM") > 1:
                connection.sendall(http_answer("413 Too Large"))
                continue
            uids = [o.sop_instance_uid for o in objects if o.sop_instance_uid.encode() in request]
            connection.sendall(http_answer("200 OK", stored(*uids), JSON))

    with scripted_server(pki.server_context(), behave) as server, line_to(server, pki) as line:
        assert {one.answer for one in line.send(objects)} == {Answer.ACCEPTED}
    assert posts == [3, 1, 1, 1]


def test_an_endless_answer_is_cut(pki, signed_file, monkeypatch):
    monkeypatch.setattr(stow_line, "MAX_ANSWER_BYTES", 1000)

    def behave(connection, server):
        read_request(connection, server)
        connection.sendall(http_answer("200 OK", b" " * 5000))

    with (
        scripted_server(pki.server_context(), behave) as server,
        line_to(server, pki) as line,
        pytest.raises(LineDownError, match="longer than 1000"),
    ):
        line.send([outgoing(signed_file)])


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_server_that_drips_is_cut_off(pki, signed_file, monkeypatch, part):
    monkeypatch.setattr(stow_line, "BASE_S", 0.5)
    monkeypatch.setattr(stow_line, "MIN_RATE_BYTES_S", 1e9)
    ended = threading.Event()

    def behave(connection, server):
        read_request(connection, server)
        if part == "body":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        while not ended.is_set():
            connection.sendall(b"H" if part == "head" else b" ")
            time.sleep(0.02)

    with scripted_server(pki.server_context(), behave) as server, line_to(server, pki) as line:
        with pytest.raises(LineDownError, match="too slow"):
            line.send([outgoing(signed_file)])
        ended.set()


def test_a_server_that_never_finishes_the_handshake_is_cut_off(pki, signed_file, monkeypatch):
    monkeypatch.setattr(exchange, "CONNECT_S", 0.3)
    ended = threading.Event()
    with scripted_server(None, lambda *_: ended.wait(20)) as server, line_to(server, pki) as line:
        with pytest.raises(LineDownError, match="too slow or silent"):
            line.send([outgoing(signed_file)])
        ended.set()


def test_nobody_there_is_a_line_that_is_down(pki, signed_file):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))

        class Server:
            url = f"https://localhost:{unused.getsockname()[1]}"

        with line_to(Server, pki) as line, pytest.raises(LineDownError, match="cannot be reached"):
            line.check()


def test_a_receiver_that_hangs_up_is_a_line_that_is_down(pki, signed_file):
    def behave(connection, server):
        connection.recv(100)

    with (
        scripted_server(pki.server_context(), behave) as server,
        line_to(server, pki) as line,
        pytest.raises(LineDownError),
    ):
        line.send([outgoing(signed_file)])


def _wrong_servers(pki, folder):
    """Return identities that a receiver must not have, and what is said of each."""
    rogue = TlsAuthority(folder, "rogue")
    good = pki.authority
    return {
        "authority": (rogue.issue("r", [SERVER]), "authority is not one that is trusted"),
        "name": (good.issue("n", [SERVER], names=["example.org"]), "for another name"),
        "expired": (good.issue("e", [SERVER], end=timedelta(hours=-1)), "expired at"),
        "not yet": (
            good.issue("y", [SERVER], begin=timedelta(hours=1), end=timedelta(hours=2)),
            "not valid before .* check the clock",
        ),
        "client's": (good.issue("c", [CLIENT]), "not for TLS servers"),
        "no purpose": (good.issue("p", []), "not for TLS servers"),
    }


@pytest.mark.parametrize(
    "kind", ["authority", "name", "expired", "not yet", "client's", "no purpose"]
)
def test_a_receiver_that_does_not_prove_itself_gets_not_a_byte(pki, signed_file, tmp_path, kind):
    identity, message = _wrong_servers(pki, tmp_path)[kind]
    with (
        scripted_server(pki.server_context(identity), read_request) as server,
        line_to(server, pki) as line,
    ):
        for call in (line.check, lambda: line.send([outgoing(signed_file)])):
            with pytest.raises(NotTrustedError, match=message):
                call()
    assert server.n_connections == 2
    assert bytes(server.received) == b""


def test_a_revoked_receiver_gets_not_a_byte(pki, signed_file):
    identity = pki.authority.issue("revoked", [SERVER])
    lists = [pki.authority.revocation_list(identity[0], name="revoked")]
    with (
        scripted_server(pki.server_context(identity), read_request) as server,
        line_to(server, pki, tls=pki.settings(revocation_lists=lists)) as line,
        pytest.raises(NotTrustedError, match="was revoked"),
    ):
        line.send([outgoing(signed_file)])
    assert bytes(server.received) == b""


def test_a_receiver_whose_authority_was_revoked_gets_not_a_byte(pki, signed_file, tmp_path):
    between = TlsAuthority(tmp_path, "between", parent=pki.authority)
    identity = between.issue("server-2", [SERVER])
    lists = [
        pki.authority.revocation_list(between.certificate, name="between"),
        between.revocation_list(),
    ]
    with scripted_server(pki.server_context(identity), read_request) as server:
        with line_to(server, pki) as line, pytest.raises(LineDownError):
            line.check()  # Without lists it is believed, and the scripted server only hangs up.
        server.received.clear()
        with (
            line_to(server, pki, tls=pki.settings(revocation_lists=lists)) as line,
            pytest.raises(NotTrustedError, match="was revoked"),
        ):
            line.send([outgoing(signed_file)])
    assert bytes(server.received) == b""


def test_an_outdated_revocation_list_is_said(pki, signed_file):
    outdated = pki.authority.revocation_list(end=timedelta(minutes=-30), name="old")
    with (
        scripted_server(pki.server_context(), read_request) as server,
        line_to(server, pki, tls=pki.settings(revocation_lists=[outdated])) as line,
        pytest.raises(NotTrustedError, match="no revocation list"),
    ):
        line.send([outgoing(signed_file)])
    assert bytes(server.received) == b""


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_tls_gets_not_a_byte(pki, signed_file, version):
    context = pki.server_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = version
        context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        scripted_server(context, read_request) as server,
        line_to(server, pki) as line,
        pytest.raises(NotTrustedError, match="TLS that is strong enough"),
    ):
        line.send([outgoing(signed_file)])
    assert bytes(server.received) == b""


def test_a_unit_that_wants_tls_1_3_takes_no_less(pki, signed_file):
    context = pki.server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        scripted_server(context, read_request) as server,
        line_to(server, pki, tls=pki.settings(minimum_version="1.3")) as line,
        pytest.raises(NotTrustedError, match="strong enough"),
    ):
        line.send([outgoing(signed_file)])


def test_a_server_without_tls_gets_not_a_byte_of_the_object(pki, signed_file):
    def behave(connection, server):
        server.received += connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with (
        scripted_server(None, behave) as server,
        line_to(server, pki) as line,
        pytest.raises(NotTrustedError, match="does not speak TLS"),
    ):
        line.send([outgoing(signed_file)])
    assert b"POST" not in server.received
    assert b"DICM" not in server.received


def test_the_environment_says_nothing_of_proxies_and_trust(receiver, pki, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, "/nonexistent")
    with line_to(receiver, pki) as line:
        line.check()


@pytest.mark.parametrize(
    "url",
    ["http://host/x", "https://", "https://u:p@host", "https://h?x=1", "host", "https://h:99999"],
)
def test_an_address_that_is_not_plain_https_is_refused(pki, url):
    with pytest.raises(ArgumentError, match="https://"):
        StowLine(url, tls=pki.settings())


def test_a_proxy_is_asked_for_a_tunnel_and_sees_nothing(receiver, pki, signed_file):
    seen = bytearray()

    def pump(source, sink):
        while data := source.recv(65536):
            seen.extend(data)
            sink.sendall(data)

    def proxy(connection, server):
        head = connection.recv(65536)
        seen.extend(head)
        assert head.startswith(f"CONNECT 127.0.0.1:{receiver.port} ".encode())
        with socket.create_connection(("127.0.0.1", receiver.port)) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(onward, connection), daemon=True)
            back.start()
            pump(connection, onward)
            back.join(20)

    sent = outgoing(signed_file)
    with (
        scripted_server(None, proxy) as server,
        line_to(receiver, pki, proxy=f"http://localhost:{server.port}") as line,
    ):
        assert line.send([sent])[0].answer is Answer.ACCEPTED
        assert line.confirm(sent) is Confirmation.CONFIRMED
    assert sent.sop_instance_uid.encode() not in seen


def test_a_limit_of_rate_is_kept(receiver, pki, signed_file):
    sent = outgoing(signed_file)
    rate_bit_s = sent.size_bytes * 8 / 0.5
    with line_to(receiver, pki, max_rate_bit_s=rate_bit_s) as line:
        line.check()
        start_s = time.monotonic()
        assert line.send([sent])[0].answer is Answer.ACCEPTED
        # The last write is not waited for, and the least is certain however loaded the machine.
        assert time.monotonic() - start_s > 0.5 * (1 - 2 * 16384 / sent.size_bytes)
