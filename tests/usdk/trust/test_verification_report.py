from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from usdk.errors import NotTrustedError
from usdk.trust import SignatureReport, VerificationReport

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def report(*signatures, problems=()):
    return VerificationReport(tuple(signatures), (0x00100010,), "1.2", NOW, tuple(problems))


def test_problems_make_it_invalid_and_name_what_to_do():
    with pytest.raises(NotTrustedError, match=r"refused: a; b\. Ask its sender"):
        report(problems=("a", "b")).require_valid()
    assert report().require_valid().is_valid
    assert not report(problems=("a",)).is_valid


def test_the_signer_is_the_widest_valid_signature_of_the_whole_object():
    narrow = SignatureReport("", mac_id=1, uncovered_tags=(1, 2))
    wide = SignatureReport("", mac_id=2, uncovered_tags=(1,))
    broken = SignatureReport("", mac_id=3, problems=("broken",))
    inside = SignatureReport("(0018,6011)[1]", mac_id=4)
    assert report(narrow, wide, broken, inside).signer == wide
    assert report(broken, inside).signer is None
    assert report().signer is None


def test_the_dictionary_is_json():
    full = SignatureReport("", "2.25.1", 0, "CN=a", "CN=b", "ab", NOW, covered_tags=(0x7FE00010,))
    found = json.loads(json.dumps(report(full, SignatureReport("")).to_dict()))
    assert found["uncovered_tags"] == ["0010,0010"]
    assert found["verified_at"] == "2026-01-02T00:00:00+00:00"
    assert found["signatures"][0]["covered_tags"] == ["7fe0,0010"]
    assert found["signatures"][0]["n_covered"] == 1
    assert found["signatures"][1]["signed_at"] is None
