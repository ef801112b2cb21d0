"""What is given to the public names of `usdk.trust` and is no such thing gets a typed answer."""

from __future__ import annotations

import pytest

from usdk.errors import UsdkError
from usdk.trust import (
    FileSigner,
    HttpTimeStamper,
    Pkcs11Signer,
    TpmSigner,
    open_signer,
    sign_dicom,
    sign_frame_digests,
    verify_dicom,
)

NO_SUCH_THING = [
    None, 5, -1, 3.5, True, object(), b"x", bytearray(b"x"), memoryview(b"x"), [], {}, "\0",
    "x" * 5000, "/dev/zero",
]  # fmt: skip


@pytest.fixture(params=range(len(NO_SUCH_THING)), ids=lambda n: type(NO_SUCH_THING[n]).__name__)
def bad(request):
    return NO_SUCH_THING[request.param]


@pytest.fixture
def path(tmp_path, dicom):
    path = tmp_path / "in.dcm"
    path.write_bytes(dicom())
    return path


def answer(call):
    try:
        return call()
    except UsdkError as error:
        return error


def test_verification_names_what_it_cannot_use(path, authority, bad):
    trusted = [authority.der]
    for call in (
        lambda: verify_dicom(bad, trusted_certificates=trusted),
        lambda: verify_dicom(path, trusted_certificates=bad),
        lambda: verify_dicom(path, trusted_certificates=[bad]),
        lambda: verify_dicom(path, trusted_certificates=trusted, intermediate_certificates=[bad]),
        lambda: verify_dicom(path, trusted_certificates=trusted, revocation_lists=bad),
        lambda: verify_dicom(path, trusted_certificates=trusted, revocation_lists=[bad]),
        lambda: verify_dicom(path, trusted_certificates=trusted, profile=bad),
        lambda: verify_dicom(path, trusted_certificates=trusted, profile=[bad]),
        lambda: verify_dicom(path, trusted_certificates=trusted, moment=bad),
        lambda: verify_dicom(path, trusted_certificates=trusted, frame_decoder=bad),
    ):
        assert not getattr(answer(call), "is_valid", False)


def test_signing_names_what_it_cannot_use(tmp_path, path, signer, bad):
    before = path.read_bytes()
    calls = [
        lambda: sign_dicom(bad, tmp_path / "out.dcm", signer),
        lambda: sign_dicom(path, bad, signer),
        lambda: sign_dicom(path, tmp_path / "out.dcm", bad),
        lambda: sign_dicom(path, tmp_path / "out.dcm", signer, algorithm=bad),
        lambda: sign_frame_digests(path, tmp_path / "out.dcm", signer, frame_decoder=bad),
    ]
    if bad is not None:
        calls += [
            lambda: sign_dicom(path, tmp_path / "out.dcm", signer, profile=bad),
            lambda: sign_dicom(path, tmp_path / "out.dcm", signer, time_stamper=bad),
        ]
        if bad not in (True, 5):  # Codes that there are.
            calls.append(lambda: sign_dicom(path, tmp_path / "out.dcm", signer, purpose=bad))
    for number, call in enumerate(calls):
        if number == 1 and isinstance(bad, str | bytes) and "\0" not in repr(bad):
            continue  # A name, if an odd one.
        assert isinstance(answer(call), UsdkError), number
    assert path.read_bytes() == before
    assert not (tmp_path / "out.dcm").exists()


def test_keys_that_are_named_by_no_name_are_refused(leaf, bad):
    for number, call in enumerate(
        (
            lambda: open_signer(bad),
            lambda: open_signer(leaf.key_path, bad),
            lambda: FileSigner(bad, bad),
            lambda: Pkcs11Signer(bad, bad),
            lambda: TpmSigner(bad, bad),
            lambda: HttpTimeStamper(bad),
        )
    ):
        assert isinstance(answer(call), UsdkError), number


def test_a_digest_that_is_none_is_refused(signer, bad):
    assert isinstance(answer(lambda: signer.sign_digest(bad, "SHA256")), UsdkError)
    assert isinstance(answer(lambda: signer.sign_digest(bytes(32), bad)), UsdkError)
