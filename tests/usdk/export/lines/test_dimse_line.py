from __future__ import annotations

import logging
import time
from contextlib import contextmanager

import pytest
from delivery_fixtures import in_memory, outgoing, scripted_server
from tls_authority import SERVER, TlsAuthority

from usdk.errors import ArgumentError, DeliveryRefusedError, LineDownError, NotTrustedError
from usdk.export.lines import Answer, Confirmation, DimseLine, storage_commitment
from usdk.export.receiver import AuditLog, FolderArchive, Gate
from usdk.export.receiver.dimse_receiver import DimseReceiver
from usdk.export.receiver.intake import Intake
from usdk.export.receiver.loopback import server_context

TITLE = "USDK-RECEIVER"


@contextmanager
def running(pki, signing, folder, *, identity=None, **options):
    audit = AuditLog()
    archive = FolderArchive(folder)
    intake = Intake(Gate([signing.authority_pem]), archive, audit)
    context = server_context(*(identity or pki.server), trusted_clients=[pki.authority.path])
    with DimseReceiver(intake, archive, audit, context, **options) as receiver:
        receiver.audit = audit
        yield receiver


def line_to(receiver, pki, **options):
    tls = options.pop("tls", None) or pki.settings()
    options.setdefault("called_ae_title", TITLE)
    return DimseLine("localhost", receiver.port, tls=tls, **options)


def test_objects_arrive_and_are_confirmed(pki, signing, signed_files, tmp_path):
    objects = [outgoing(path) for path in signed_files]
    with running(pki, signing, tmp_path) as receiver:
        line = line_to(receiver, pki)
        line.check()
        assert {one.answer for one in line.send(objects)} == {Answer.ACCEPTED}
        assert [line.confirm(one) for one in objects] == [Confirmation.CONFIRMED] * 3
        other = in_memory(signed_files[0].read_bytes()[:-2] + b"XX", objects[0])
        assert line.confirm(other) is Confirmation.DIFFERENT
        assert {event["peer"] for event in receiver.audit.events} == {"CN=unit-1"}
        line.close()
    kept = {path.read_bytes().partition(b"\x08\0\x05\0")[2] for path in tmp_path.rglob("*.dcm")}
    assert kept == {path.read_bytes().partition(b"\x08\0\x05\0")[2] for path in signed_files}


def test_an_absent_object_is_absent(pki, signing, signed_file, tmp_path):
    with running(pki, signing, tmp_path) as receiver:
        assert line_to(receiver, pki).confirm(outgoing(signed_file)) is Confirmation.ABSENT


def test_a_tampered_object_is_refused_and_the_next_one_taken(pki, signing, signed_files, tmp_path):
    objects = [outgoing(path) for path in signed_files[:2]]
    content = signed_files[0].read_bytes().replace(b"SN-0042", b"SN-0043")
    objects[0] = in_memory(content, objects[0])
    with running(pki, signing, tmp_path) as receiver:
        answers = [one.answer for one in line_to(receiver, pki).send(objects)]
    assert answers == [Answer.REFUSED, Answer.ACCEPTED]


def test_without_reading_back_a_commitment_confirms(pki, signing, signed_files, tmp_path):
    sent, unsent = (outgoing(path) for path in signed_files[:2])
    with running(pki, signing, tmp_path, gives_back=False) as receiver:
        line = line_to(receiver, pki)
        line.send([sent])
        assert line.confirm(sent) is Confirmation.CONFIRMED
        assert line.confirm(unsent) is Confirmation.ABSENT


def test_a_report_is_answered_before_the_association_is_released(
    pki, signing, signed_file, tmp_path, monkeypatch
):
    receive = storage_commitment.Reports.receive

    def receive_slowly(self, event):
        answer = receive(self, event)
        time.sleep(0.3)
        return answer

    # The library's thread would die of an answer behind the release, and the test of that.
    monkeypatch.setattr(storage_commitment.Reports, "receive", receive_slowly)
    with running(pki, signing, tmp_path, gives_back=False) as receiver:
        sent, line = outgoing(signed_file), line_to(receiver, pki)
        line.send([sent])
        assert line.confirm(sent) is Confirmation.CONFIRMED


def test_a_report_that_does_not_come_leaves_it_open(
    pki, signing, signed_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(storage_commitment, "REPORT_S", 0.05)
    with running(pki, signing, tmp_path, gives_back=False) as receiver:
        assert line_to(receiver, pki).confirm(outgoing(signed_file)) is Confirmation.PENDING


def test_what_the_receiver_does_not_take_is_refused_and_never_converted(
    pki, signing, signed_file, tmp_path
):
    sent = outgoing(signed_file)
    lossy = type(sent)(**{**vars(sent), "transfer_syntax_uid": "1.2.840.10008.1.2.4.50"})
    with running(pki, signing, tmp_path) as receiver:
        line = line_to(receiver, pki)
        assert [one.answer for one in line.send([lossy, sent])] == [
            Answer.REFUSED,
            Answer.ACCEPTED,
        ]
        implicit = type(sent)(**{**vars(sent), "transfer_syntax_uid": "1.2.840.10008.1.2"})
        assert line.send([implicit])[0].answer is Answer.REFUSED
        with pytest.raises(DeliveryRefusedError, match="accepts none"):
            line.send([lossy])


def test_a_receiver_of_another_name_refuses(pki, signing, signed_file, tmp_path):
    with running(pki, signing, tmp_path) as receiver:
        receiver._server.ae.require_called_aet = True
        line = line_to(receiver, pki, called_ae_title="SOMEONE")
        with pytest.raises(DeliveryRefusedError, match="application entity"):
            line.check()


@pytest.mark.parametrize(
    ("kind", "message"),
    [("authority", "not one that is trusted"), ("name", "another name"), ("revoked", "revoked")],
)
def test_a_receiver_that_does_not_prove_itself_gets_not_a_byte(
    pki, signed_file, tmp_path, kind, message
):
    issuer = TlsAuthority(tmp_path, "rogue") if kind == "authority" else pki.authority
    names = ["example.org"] if kind == "name" else ["localhost"]
    identity = issuer.issue("dimse-server", [SERVER], names=names)
    lists = [issuer.revocation_list(identity[0], name="dimse")] if kind == "revoked" else []

    def listen(connection, server):
        server.received += connection.recv(65536)

    with scripted_server(pki.server_context(identity), listen) as server:
        line = line_to(server, pki, tls=pki.settings(revocation_lists=lists))
        for call in (line.check, lambda: line.send([outgoing(signed_file)])):
            with pytest.raises(NotTrustedError, match=message):
                call()
    assert bytes(server.received) == b""


def test_nobody_there_is_a_line_that_is_down(pki, signed_file):
    with scripted_server(None, lambda *_: None) as server:
        pass
    with pytest.raises(LineDownError, match="cannot be reached"):
        line_to(server, pki).check()


def test_a_receiver_that_hangs_up_is_a_line_that_is_down(pki, signed_file):
    with (
        scripted_server(pki.server_context(), lambda c, _: c.recv(65536)) as server,
        pytest.raises(LineDownError),
    ):
        line_to(server, pki).check()


def test_the_library_logs_nothing(pki, signing, signed_file, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    with running(pki, signing, tmp_path) as receiver:
        line = line_to(receiver, pki)
        line.send([outgoing(signed_file)])
        line.confirm(outgoing(signed_file))
    assert [record for record in caplog.records if record.name.startswith("pynetdicom")] == []


@pytest.mark.parametrize(
    "options",
    [{"called_ae_title": ""}, {"calling_ae_title": "X" * 17}, {"max_rate_bit_s": 0}],
)
def test_values_out_of_range_are_refused(pki, options):
    with pytest.raises(ArgumentError):
        DimseLine("localhost", 104, tls=pki.settings(), **options)
    with pytest.raises(ArgumentError):
        DimseLine("localhost", 0, tls=pki.settings())
