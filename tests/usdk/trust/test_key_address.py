from __future__ import annotations

import pytest

from usdk.errors import ArgumentError
from usdk.trust import FileSigner, open_signer


def test_a_path_is_a_pem_file(leaf):
    signer = open_signer(leaf.key_path, leaf.certificate_path)
    assert isinstance(signer, FileSigner)
    assert signer.certificate_der == leaf.der
    assert open_signer(str(leaf.key_path), leaf.certificate_path).certificate_der == leaf.der


def test_what_is_missing_is_asked_for(leaf):
    with pytest.raises(ArgumentError, match="go together"):
        open_signer(leaf.key_path)
    with pytest.raises(ArgumentError, match="go together"):
        open_signer("tpm:0x81010001")
    with pytest.raises(ArgumentError, match="needs its PIN"):
        open_signer("pkcs11:token=a", leaf.certificate_path)
