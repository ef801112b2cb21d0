"""Receivers that lie or fail, seen from the outbox: no object is lost, and what happened is said.

The lines and the TLS are real; the time of the outbox is the test's to move.
"""

from __future__ import annotations

import io
import json
from contextlib import contextmanager

import pytest
from delivery_fixtures import http_answer, read_request, scripted_server
from outbox_fixtures import clock, outbox
from pydicom import dcmread
from tls_authority import SERVER

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
        if self.mode == "5xx":
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
def delivering(pki, outbox, clock, receiver, identity=None):
    """Yield what runs a courier over a real line for some seconds of the test's time."""
    news = []
    with scripted_server(pki.server_context(identity), receiver) as server:
        line = StowLine(server.url, tls=pki.settings(), http2=False)
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


def test_an_hour_of_5xx_loses_nothing(pki, outbox, clock, signed_files):
    receiver = Receiver()
    receiver.mode = "5xx"
    for path in signed_files:
        outbox.add(path)
    with delivering(pki, outbox, clock, receiver) as (run, news, _):
        run(3600, step_s=60.0)
        assert all(state not in DELIVERED for state in _states(outbox))
        assert len(_states(outbox)) == 3
        assert receiver.n_posts == 0
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
        assert all(state not in DELIVERED for state in _states(outbox))
        assert any("does not keep them" in str(one) or "not keep" in str(one) for one in news)
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
    assert all(state not in DELIVERED for state in _states(outbox))
    assert len(_states(outbox)) == 1
    assert any("something else under its UID" in str(one) for one in news)


def test_a_redirect_leads_nowhere_and_loses_nothing(pki, outbox, clock, signed_file):
    receiver = Receiver()
    receiver.mode = "redirect"
    outbox.add(signed_file)
    with delivering(pki, outbox, clock, receiver) as (run, news, _):
        run(60, step_s=5.0)
        assert any("elsewhere" in str(one) for one in news)
        assert all(state not in DELIVERED for state in _states(outbox))
        receiver.mode = "honest"
        run(7200, step_s=60.0, until=lambda: _is_delivered(outbox))
        assert _is_delivered(outbox)


def test_a_wrong_certificate_is_an_alarm_and_gets_not_a_byte(pki, outbox, clock, signed_file):
    receiver = Receiver()
    outbox.add(signed_file)
    wrong = pki.authority.issue("wrong-name", [SERVER], names=["example.org"])
    with delivering(pki, outbox, clock, receiver, wrong) as (run, news, server):
        run(60, step_s=5.0)
        assert any(one.kind is NewsKind.ALARM and "another name" in str(one) for one in news)
    assert bytes(server.received) == b""
    assert all(state not in DELIVERED for state in _states(outbox))


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
        assert len(_states(outbox)) == 1
        assert all(state not in DELIVERED for state in _states(outbox))
