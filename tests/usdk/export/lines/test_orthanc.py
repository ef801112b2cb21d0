"""The lines against Orthanc: an archive that others wrote."""

from __future__ import annotations

import pytest
from delivery_fixtures import in_memory, outgoing

from usdk.export import write_dicom
from usdk.export.lines import Answer, Confirmation, DimseLine, StowLine, TlsSettings


@pytest.fixture
def tls(orthanc):
    identities = orthanc.identities
    return TlsSettings(
        trusted_certificates=[identities.authority],
        certificate=identities.client.certificate,
        key=identities.client.key,
    )


@pytest.fixture(params=["HTTP/1.1", "HTTP/2", "DIMSE"])
def line(request, orthanc, tls):
    if request.param == "DIMSE":
        made = DimseLine("localhost", orthanc.dicom_port, tls=tls, called_ae_title=orthanc.ae_title)
    else:
        made = StowLine(
            orthanc.dicomweb_url.replace("127.0.0.1", "localhost"),
            tls=tls,
            http2=request.param == "HTTP/2",
        )
    yield made
    made.close()


@pytest.mark.parametrize("codec", ["native", "jpeg-ls"])
def test_objects_arrive_and_are_confirmed(line, make_frame, signing, tmp_path, codec, orthanc):
    frames = [make_frame(index) for index in range(3)]
    path = write_dicom(tmp_path / "x.dcm", frames, signer=signing.signer, codec=codec)
    sent = outgoing(path)
    line.check()
    assert line.confirm(sent) is Confirmation.ABSENT
    assert line.send([sent])[0].answer is Answer.ACCEPTED
    assert line.confirm(sent) is Confirmation.CONFIRMED
    other = in_memory(path.read_bytes()[:-2] + b"XX", sent)
    assert line.send([other])[0].answer is Answer.ACCEPTED  # It keeps the first, and says yes.
    assert line.confirm(other) is Confirmation.DIFFERENT
    assert line.confirm(sent) is Confirmation.CONFIRMED
