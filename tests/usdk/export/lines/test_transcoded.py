from __future__ import annotations

import pytest
from delivery_fixtures import (
    http_answer,
    make_signing_identity,
    outgoing,
    read_request,
    scripted_server,
)
from pydicom import dcmread
from pydicom.uid import JPEGLSLossless

from usdk.export import write_dicom
from usdk.export.lines import Confirmation, StowLine
from usdk.export.lines.transcoded import holds_under_signature


@pytest.fixture
def original(make_frame, signing, tmp_path):
    frames = [make_frame(index) for index in range(2)]
    return write_dicom(tmp_path / "original.dcm", frames, signer=signing.signer, sign_frames=True)


def _transcoded(path, target, change=None):
    dataset = dcmread(path)
    if change is not None:
        change(dataset)
    dataset.compress(JPEGLSLossless, generate_instance_uid=False)
    dataset.save_as(target, enforce_file_format=True)
    return target.read_bytes()


def _darken(dataset):
    pixels = bytearray(dataset.PixelData)
    pixels[100] ^= 1
    dataset.PixelData = bytes(pixels)


def _rename(dataset):
    dataset.SeriesNumber = 99


def test_transcoded_pixels_hold_under_the_objects_own_signature(original, signing, tmp_path):
    received = _transcoded(original, tmp_path / "x.dcm")
    content = original.read_bytes()
    assert holds_under_signature(content, received, [signing.authority_pem])
    stranger = make_signing_identity(tmp_path)
    assert not holds_under_signature(content, received, [stranger.authority_pem])


@pytest.mark.parametrize("change", [_darken, _rename])
def test_what_changed_besides_does_not_hold(original, signing, tmp_path, change):
    received = _transcoded(original, tmp_path / "x.dcm", change)
    assert not holds_under_signature(original.read_bytes(), received, [signing.authority_pem])


def test_another_object_of_the_same_signer_does_not_hold(original, signing, make_frame, tmp_path):
    other = write_dicom(
        tmp_path / "other.dcm", [make_frame(7)], signer=signing.signer, sign_frames=True
    )
    received = _transcoded(other, tmp_path / "x.dcm")
    assert holds_under_signature(other.read_bytes(), received, [signing.authority_pem])
    assert not holds_under_signature(original.read_bytes(), received, [signing.authority_pem])


def test_junk_does_not_hold(original, signing):
    assert not holds_under_signature(original.read_bytes(), b"junk", [signing.authority_pem])


def test_a_line_that_knows_the_signers_tells_transcoded_from_different(
    original, pki, signing, tmp_path
):
    good = _transcoded(original, tmp_path / "x.dcm")
    bad = _transcoded(original, tmp_path / "y.dcm", _darken)
    held = [good]

    def behave(connection, server):
        while read_request(connection, server):
            body = b"--b\r\n\r\n" + held[0] + b"\r\n--b--\r\n"
            kind = "Content-Type: multipart/related; boundary=b"
            connection.sendall(http_answer("200 OK", body, kind))

    sent = outgoing(original)
    with scripted_server(pki.server_context(), behave) as server:
        knowing = StowLine(server.url, tls=pki.settings(), trusted_signers=[signing.authority_pem])
        plain = StowLine(server.url, tls=pki.settings())
        assert knowing.confirm(sent) is Confirmation.TRANSCODED
        assert plain.confirm(sent) is Confirmation.DIFFERENT
        held[0] = bad
        assert knowing.confirm(sent) is Confirmation.DIFFERENT
        knowing.close()
        plain.close()
