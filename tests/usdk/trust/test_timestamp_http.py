from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from usdk.errors import ArgumentError, DeliveryRefusedError, LineDownError
from usdk.trust import HttpTimeStamper
from usdk.trust.timestamp import MAX_RESPONSE_BYTES


@pytest.fixture
def authority():
    """An HTTP server on this machine that answers as told, and remembers what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            self.server.asked.append((self.path, dict(self.headers), self.rfile.read(length)))
            status, kind, content = self.server.answer
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    server.answer = (200, "application/timestamp-reply", b"answer")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def url(server, path="/tsa?x=1"):
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def test_a_request_goes_out_as_the_standard_says(authority):
    assert HttpTimeStamper(url(authority))(b"request") == b"answer"
    ((path, headers, body),) = authority.asked
    assert (path, body) == ("/tsa?x=1", b"request")
    assert headers["Content-Type"] == "application/timestamp-query"


@pytest.mark.parametrize(
    "answer",
    [
        (500, "application/timestamp-reply", b""),
        (200, "text/html", b"<html>"),
        (302, "application/timestamp-reply", b""),
    ],
)
def test_another_answer_is_refused(authority, answer):
    authority.answer = answer
    with pytest.raises(DeliveryRefusedError, match="no time stamp"):
        HttpTimeStamper(url(authority))(b"request")
    assert len(authority.asked) == 1


def test_a_long_answer_is_cut(authority):
    authority.answer = (200, "application/timestamp-reply", bytes(3 * MAX_RESPONSE_BYTES))
    assert len(HttpTimeStamper(url(authority))(b"request")) == MAX_RESPONSE_BYTES + 1


def test_an_authority_that_is_not_there_is_a_line_that_is_down(authority):
    address = url(authority)
    authority.shutdown()
    authority.server_close()
    with pytest.raises(LineDownError, match="cannot be reached"):
        HttpTimeStamper(address)(b"request")


@pytest.mark.parametrize(
    "address", ["", "tsa", "ftp://a/", "http://", "http://u:p@a/", "http://a:x/", "http://a/b c"]
)
def test_what_is_no_such_address_is_refused(address):
    with pytest.raises(ArgumentError):
        HttpTimeStamper(address)
