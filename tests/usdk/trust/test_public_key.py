from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from usdk.errors import ArgumentError, NotTrustedError
from usdk.trust import EcSigner, RsaSigner, Signer
from usdk.trust.public_key import certified_key, fits, key_problem
from usdk.trust.signer import DIGEST_SIZES

CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}


@pytest.fixture(scope="module", params=sorted(CURVES))
def curve(request, issuer, authority):
    return issuer.leaf(authority, key=ec.generate_private_key(CURVES[request.param]))


@pytest.mark.parametrize("algorithm", sorted(DIGEST_SIZES))
def test_a_signature_fits_its_digest_and_key_alone(curve, leaf, algorithm):
    digest = hashlib.new(algorithm, b"a").digest()
    other = hashlib.new(algorithm, b"b").digest()
    for signer, certificate in (
        (EcSigner(curve.key, curve.certificate), curve.certificate),
        (RsaSigner(leaf.key, leaf.certificate), leaf.certificate),
    ):
        assert isinstance(signer, Signer)
        key = certified_key(certificate)
        signature = signer.sign_digest(digest, algorithm)
        assert fits(key, signature, digest, algorithm)
        assert not fits(key, signature, other, algorithm)
        assert not fits(key, signature[:-1], digest, algorithm)
        assert not fits(key, signature + b"\0", digest, algorithm)
        assert not fits(key, b"", digest, algorithm)
        with pytest.raises(ArgumentError):
            signer.sign_digest(digest[:-1], algorithm)


def test_other_kinds_of_keys_may_not_sign(issuer, authority, curve, leaf):
    assert key_problem(curve.key.public_key()) is None
    assert key_problem(leaf.key.public_key()) is None
    edwards = ed25519.Ed25519PrivateKey.generate()
    other = issuer.leaf(authority, key=edwards).certificate
    for key in (
        edwards.public_key(),
        ec.generate_private_key(ec.SECP521R1()).public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        issuer.short_key().public_key(),
    ):
        assert "neither RSA" in key_problem(key)
    assert certified_key(other) is None
    for kind in (EcSigner, RsaSigner):
        with pytest.raises(NotTrustedError):
            kind(edwards, other)


def test_a_key_on_a_curve_and_another_certificate_are_no_pair(curve, leaf):
    with pytest.raises(NotTrustedError, match="not a pair"):
        EcSigner(curve.key, leaf.certificate)
