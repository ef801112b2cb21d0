"""Archives of other makers take every object over TLS and give it back as it was signed."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.pixels import iter_pixels

from usdk.dicom.codecs import CODECS
from usdk.trust import verify_dicom

pynetdicom = pytest.importorskip("pynetdicom")

KINDS = ["grey still", "colour cine", "palette still", "composed", "volume"]
OTHER_KINDS = [
    *("grey cine", "colour still", "palette cine", "spectrum", "m-mode", "cine of volumes"),
]
TAKEN = [codec for codec in CODECS if codec != "htj2k"]
AE_TITLE = "USDK"


@pytest.fixture
def objects(write):
    """Each kind in a codec of its own, and the first in all of them; or the whole product."""
    if os.environ.get("USDK_TEST_WHOLE") == "1":
        pairs = [(kind, codec) for kind in KINDS + OTHER_KINDS for codec in TAKEN]
    else:
        pairs = [(kind, TAKEN[index % len(TAKEN)]) for index, kind in enumerate(KINDS)]
        pairs += [("colour cine", codec) for codec in TAKEN if codec != TAKEN[1]]
    return [write(kind, codec) for kind, codec in pairs]


def association(server, tls, objects, *, retrieve=False):
    """Open an association over TLS with a presentation context for each object."""
    entity = pynetdicom.AE(ae_title=AE_TITLE)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 60
    kinds = {(str(o.dataset.SOPClassUID), o.dataset.file_meta.TransferSyntaxUID) for o in objects}
    for sop_class, syntax in sorted(kinds):
        entity.add_requested_context(sop_class, syntax)
    roles, handlers = [], []
    received = {}
    if retrieve:
        entity.add_requested_context(pynetdicom.sop_class.StudyRootQueryRetrieveInformationModelGet)
        roles = [
            pynetdicom.build_role(sop_class, scp_role=True)
            for sop_class in {sop_class for sop_class, _ in kinds}
        ]

        def keep(event):
            received[event.request.AffectedSOPInstanceUID] = event.encoded_dataset()
            return 0

        handlers = [(pynetdicom.evt.EVT_C_STORE, keep)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        opened = entity.associate(
            server.host,
            server_port(server),
            ae_title=server.ae_title,
            tls_args=(tls.client_context(), server.host),
            ext_neg=roles,
            evt_handlers=handlers,
        )
    assert opened.is_established
    return opened, received


def server_port(server):
    return getattr(server, "dicom_port", None) or server.port


def send(server, tls, objects):
    opened, _ = association(server, tls, objects)
    try:
        for written in objects:
            assert opened.send_c_store(written.path).Status == 0
    finally:
        opened.release()


def require_intact(content, written, identity, tmp_path):
    assert verify_dicom(content, trusted_certificates=[identity.authority_pem]).is_valid
    path = tmp_path / "back.dcm"
    path.write_bytes(content)
    syntax = dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID
    assert syntax == written.dataset.file_meta.TransferSyntaxUID
    for pixels, frame in zip(iter_pixels(path, raw=True), written.frames, strict=True):
        assert np.array_equal(pixels, frame)


def test_orthanc_gives_back_what_it_took(objects, orthanc, tls_identities, identity, tmp_path):
    send(orthanc, tls_identities, objects)
    opened, received = association(orthanc, tls_identities, objects, retrieve=True)
    model = pynetdicom.sop_class.StudyRootQueryRetrieveInformationModelGet
    try:
        for written in objects:
            query = image_query(written.dataset)
            statuses = [status.Status for status, _ in opened.send_c_get(query, model)]
            assert statuses[-1] == 0
    finally:
        opened.release()
    for written in objects:
        uid = written.dataset.SOPInstanceUID
        require_intact(received[uid], written, identity, tmp_path)
        require_intact(orthanc.stored_file(uid), written, identity, tmp_path)
        require_intact(by_wado(orthanc, written.dataset), written, identity, tmp_path)


def test_storescp_keeps_what_it_took(objects, storescp, tls_identities, identity, tmp_path):
    send(storescp, tls_identities, objects)
    kept = {
        dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID: path.read_bytes()
        for path in storescp.folder.iterdir()
    }
    for written in objects:
        require_intact(kept[written.dataset.SOPInstanceUID], written, identity, tmp_path)


def test_storescu_of_dcmtk_sends_them_too(
    objects, orthanc, tls_identities, identity, tmp_path, dcmtk
):
    tls = tls_identities
    flags = {"native": "-xe", "jpeg-ls": "-xt", "jpeg-2000": "-xv", "rle": "-xr"}
    syntaxes = {CODECS[name].transfer_syntax_uid: flag for name, flag in flags.items()}
    for written in objects:
        sent = dcmtk(
            "storescu",
            *(
                "--required",
                "-aec",
                orthanc.ae_title,
                syntaxes[written.dataset.file_meta.TransferSyntaxUID],
            ),
            *("+tls", tls.client.key, tls.client.certificate, "+cf", tls.authority),
            *(orthanc.host, orthanc.dicom_port, written.path),
        )
        assert sent.returncode == 0, sent.stderr
        stored = orthanc.stored_file(written.dataset.SOPInstanceUID)
        require_intact(stored, written, identity, tmp_path)


def image_query(dataset):
    query = Dataset()
    query.QueryRetrieveLevel = "IMAGE"
    query.StudyInstanceUID = dataset.StudyInstanceUID
    query.SeriesInstanceUID = dataset.SeriesInstanceUID
    query.SOPInstanceUID = dataset.SOPInstanceUID
    return query


def by_wado(server, dataset):
    """Return an object by WADO-RS, in the transfer syntax in which it is stored."""
    path = (
        f"/dicom-web/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
        f"/instances/{dataset.SOPInstanceUID}"
    )
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    body = server.request(path, headers={"Accept": accept})
    boundary, _, rest = body.partition(b"\r\n")
    _, _, part = rest.partition(b"\r\n\r\n")
    content, end, _ = part.rpartition(b"\r\n" + boundary)
    assert end
    return content
