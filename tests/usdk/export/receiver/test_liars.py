"""Receivers that lie or fail, seen from the outbox: no object is lost, and what happened is said.

The lines and the TLS are real; the time of the outbox is the test's to move.
"""

from __future__ import annotations

import io
import json
import ssl
import warnings
from contextlib import contextmanager
from datetime import timedelta

import pytest
from delivery_fixtures import http_answer, read_request, scripted_server
from outbox_fixtures import clock, outbox
from pydicom import dcmread
from tls_authority import CLIENT, SERVER, TlsAuthority

from usdk.export.delivery import NewsKind
from usdk.export.delivery.courier import Courier
from usdk.export.lines import StowLine, stow_line
from usdk.export.lines.multipart import Multipart, read_parts
from usdk.export.outbox import State

__all__ = ["clock", "outbox"]

JSON = "Content-Type: application/dicom+json"


class Receiver:
    """Honest unless a test changes ``mode``; it keeps what it is sent in memory."""

    def __init__(self):
        self.mode = "honest"
        self.kept = {}
        self.n_posts = 0

    def __call__(self, connection, server):
        while request := read_request(connection, server):
            head, _, body = request.partition(b"\r\n\r\n")
            connection.sendall(self.answer(head.decode().split(" ")[:2], body))

    def answer(self, request, body):
        method, path = request
        if self.mode == "5xx" or (self.mode == "5xx to objects" and method == "POST"):
            return http_answer("503 Service Unavailable", b"", "Retry-After: 30")
        if self.mode == "redirect":
            return http_answer("307 Elsewhere", b"", "Location: https://localhost:1/")
        if method == "POST":
            self.n_posts += 1
            items = [{"00081155": {"vr": "UI", "Value": [uid]}} for uid in self.keep(body)]
            said = json.dumps({"00081199": {"vr": "SQ", "Value": items}})
            return http_answer("200 OK", said.encode(), JSON)
        content = self.kept.get(path.rsplit("/", 1)[1])
        if content is None:
            return http_answer("404 Not Found")
        parts = Multipart([(len(content), lambda: io.BytesIO(content))])
        return http_answer("200 OK", b"".join(parts), f"Content-Type: {parts.content_type}")

    def keep(self, body):
        boundary = body[2 : body.index(b"\r\n")]
        for part in read_parts([body], boundary):
            content = b"".join(part.content)
            uid = str(dcmread(io.BytesIO(content), stop_before_pixels=True).SOPInstanceUID)
            if self.mode == "something else":
                content = content[:-2] + b"XX"
            elif self.mode == "truncates":
                content = content[:-500]
            if self.mode != "drops":
                self.kept[uid] = content
            yield uid


@contextmanager
def delivering(pki, outbox, clock, receiver, *, context=None, tls=None):
    """Yield what runs a courier over a real line for some seconds of the test's time."""
    news = []
    with scripted_server(context or pki.server_context(), receiver) as server:
        line = StowLine(server.url, tls=tls or pki.settings(), http2=False)
        courier = Courier(
            outbox,
            [line],
            tell=news.append,
            clock=lambda: clock.boottime_s,
            chance=lambda: 0.5,
            sleep=clock.pass_s,
        )

        def run(seconds, step_s=1.0, until=lambda: False):
            for _ in range(int(seconds / step_s)):
                if until():
                    break
                if courier.switchboard.check_in_s(0) <= 0:
                    courier.switchboard.check(0)
                courier.switchboard.refresh()
                while courier.send_some() or courier.confirm_some():
                    pass
                clock.pass_s(step_s)
            courier.tend()

        try:
            yield run, news, server
        finally:
            line.close()


def _states(outbox):
    return [entry.state for entry in outbox.list()]


def _is_delivered(outbox):
    return all(state in DELIVERED for state in _states(outbox))


DELIVERED = (State.CONFIRMED, State.RETAINED)


def _held_whole(outbox, path):
    """Whether the only object is in the outbox, byte for byte."""
    (entry,) = outbox.list()
    with outbox.open(entry) as file:
        return file.read() == path.read_bytes()


@pytest.mark.parametrize("mode", ["5xx", "5xx to objects"])
def test_an_hour_of_5xx_loses_nothing(pki, outbox, clock, signed_files, mode):
    receiver = Receiver()
    receiver.mode = mode
    for path in signed_files:
        outbox.add(path)
    with delivering(pki, outbox, clock, receiver) as (run, news, _):
        run(3600, step_s=300.0)
        assert _states(outbox) == [State.QUEUED] * 3
        assert receiver.kept == {}
        assert any("503" in str(one) or "later" in str(one) for one in news)
        receiver.mode = "honest"
        run(7200, step_s=60.0, until=lambda: _is_delivered(outbox))
        assert _is_delivered(outbox)
    assert len(receiver.kept) == 3


def test_what_answers_200_and_drops_is_sent_again_until_it_keeps(pki, outbox, clock, signed_file):
    receiver = Receiver()
    receiver.mode = "drops"
    outbox.add(signed_file)
    with delivering(pki, outbox, clock, receiver) as (run, news, _):
        run(300, step_s=10.0)
        assert receiver.n_posts >= 2
        assert _states(outbox)[0] in (State.QUEUED, State.ACCEPTED)
        assert _held_whole(outbox, signed_file)
        assert any(one.kind is NewsKind.ALARM and "not keep" in str(one) for one in news)
        receiver.mode = "honest"
        run(7200, step_s=60.0, until=lambda: _is_delivered(outbox))
        assert _is_delivered(outbox)


@pytest.mark.parametrize("mode", ["something else", "truncates"])
def test_what_stores_something_else_is_found_out_and_the_object_kept(
    pki, outbox, clock, signed_file, mode
):
    receiver = Receiver()
    receiver.mode = mode
    outbox.add(signed_file)
    with delivering(pki, outbox, clock, receiver) as (run, news, _):
        run(60, step_s=5.0)
    (entry,) = outbox.list()
    assert entry.state is State.HELD
    assert "something else under its UID" in entry.reason
    assert _held_whole(outbox, signed_file)
    assert any(one.kind is NewsKind.ALARM and one.uid == entry.sop_instance_uid for one in news)


def test_a_redirect_leads_nowhere_and_loses_nothing(pki, outbox, clock, signed_file):
    receiver = Receiver()
    receiver.mode = "redirect"
    outbox.add(signed_file)
    with delivering(pki, outbox, clock, receiver) as (run, news, server):
        run(60, step_s=5.0)
        assert any("elsewhere" in str(one) for one in news)
        assert _states(outbox) == [State.QUEUED]
        assert b"DICM" not in bytes(server.received)
        receiver.mode = "honest"
        run(7200, step_s=60.0, until=lambda: _is_delivered(outbox))
        assert _is_delivered(outbox)


def _old_tls(pki):
    context = pki.server_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _strangers(pki, folder):
    """Return contexts of servers that prove nothing, and what is said of each."""
    good, hour = pki.authority, timedelta(hours=1)
    context = pki.server_context
    return {
        "authority": (
            context(TlsAuthority(folder, "rogue").issue("r", [SERVER])),
            "not one that is trusted",
        ),
        "name": (context(good.issue("n", [SERVER], names=["example.org"])), "for another name"),
        "expired": (context(good.issue("e", [SERVER], end=-hour)), "expired at"),
        "revoked": (context(good.issue("x", [SERVER])), "was revoked"),
        "purpose": (context(good.issue("c", [CLIENT])), "not for TLS servers"),
        "old TLS": (_old_tls(pki), "TLS that is strong enough"),
    }


@pytest.mark.parametrize("kind", ["authority", "name", "expired", "revoked", "purpose", "old TLS"])
def test_a_stranger_is_an_alarm_gets_not_a_byte_and_the_object_goes_to_the_right_one(
    pki, outbox, clock, signed_file, tmp_path, kind
):
    outbox.add(signed_file)
    context, message = _strangers(pki, tmp_path)[kind]
    tls = None
    if kind == "revoked":
        lists = [pki.authority.revocation_list(pki.authority.folder / "x.pem", name="x")]
        tls = pki.settings(revocation_lists=lists)
    receiver = Receiver()
    with delivering(pki, outbox, clock, receiver, context=context, tls=tls) as (run, news, server):
        run(60, step_s=5.0)
        assert any(one.kind is NewsKind.ALARM and message in str(one) for one in news)
    assert bytes(server.received) == b""
    assert _states(outbox) == [State.QUEUED]
    assert outbox.list()[0].n_tries == 0
    with delivering(pki, outbox, clock, receiver) as (run, news, _):
        run(60, until=lambda: _is_delivered(outbox))
    assert _is_delivered(outbox)


def test_a_slow_receiver_is_left_and_the_object_kept(pki, outbox, clock, signed_file, monkeypatch):
    monkeypatch.setattr(stow_line, "BASE_S", 0.3)
    monkeypatch.setattr(stow_line, "MIN_RATE_BYTES_S", 1e9)
    receiver = Receiver()
    honest = receiver.answer

    def drip(request, body):
        return b"HTTP/1.1 200 OK\r\n" if request[0] == "POST" else honest(request, body)

    receiver.answer = drip
    outbox.add(signed_file)
    with delivering(pki, outbox, clock, receiver) as (run, news, _):
        run(3)
        assert any("too slow" in str(one) for one in news)
        assert _states(outbox) == [State.QUEUED]
        assert outbox.list()[0].in_doubt
        assert _held_whole(outbox, signed_file)
