from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request

import pytest


def test_it_answers_a_client_with_a_certificate(orthanc):
    assert json.loads(orthanc.request("/system"))["DicomAet"] == orthanc.ae_title
    assert isinstance(json.loads(orthanc.request("/dicom-web/studies")), list)


def test_it_refuses_a_client_without_one(orthanc, tls_identities):
    context = ssl.create_default_context(cafile=str(tls_identities.authority))
    with pytest.raises((urllib.error.URLError, ssl.SSLError, ConnectionError)):
        urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        ).open(orthanc.url + "/system", timeout=30)


def test_an_object_that_it_does_not_have_is_none(orthanc):
    assert orthanc.stored_file("2.25.1") is None
