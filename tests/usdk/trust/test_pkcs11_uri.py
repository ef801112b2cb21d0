from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import ArgumentError
from usdk.trust.pkcs11_uri import MAX_URI_CHARACTERS, Pkcs11Uri


def test_a_uri_of_the_standard_is_read():
    """After the examples of RFC 7512, section 3."""
    uri = (
        "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;"
        "model=1.0;serial=1;slot-id=7;object=my-certificate;type=private;"
        "id=%69%95%3E%5C%F4%BD%EC%91?module-path=/usr/lib/p11.so"
    )
    assert Pkcs11Uri.parse(uri) == Pkcs11Uri(
        module_path="/usr/lib/p11.so",
        token="The Software PKCS#11 Softtoken",
        manufacturer="Snake Oil, Inc.",
        model="1.0",
        serial="1",
        slot_id=7,
        label="my-certificate",
        key_id=bytes.fromhex("69953e5cf4bdec91"),
    )
    assert Pkcs11Uri.parse("pkcs11:") == Pkcs11Uri()


@pytest.mark.parametrize(
    "uri",
    ["file:x", "pkcs11", "pkcs11:token", "pkcs11:colour=red", "pkcs11:token=a;token=b",
     "pkcs11:token=\udcff", "pkcs11:type=public", "pkcs11:slot-id=x", "pkcs11:slot-id=-1",
     "pkcs11:token=%ff", "pkcs11:?module-name=x", "pkcs11:" + "a" * MAX_URI_CHARACTERS],
)  # fmt: skip
def test_what_is_no_such_uri_is_refused(uri):
    with pytest.raises(ArgumentError):
        Pkcs11Uri.parse(uri)


@pytest.mark.parametrize("where", ["pkcs11:token=a;pin-value=8642", "pkcs11:?pin-source=8642"])
def test_a_pin_in_a_uri_is_refused_and_not_repeated(where):
    with pytest.raises(ArgumentError, match="PIN does not belong") as caught:
        Pkcs11Uri.parse(where)
    assert "8642" not in str(caught.value)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ArgumentError):
        Pkcs11Uri.parse("pkcs11:" + text)
