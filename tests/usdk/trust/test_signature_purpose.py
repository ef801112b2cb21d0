from __future__ import annotations

import re
import subprocess

import pytest

from usdk.errors import ArgumentError
from usdk.trust.signature_purpose import SIGNATURE_PURPOSES, purpose_meaning


def test_the_codes_are_those_of_dcmtk(dcmtk):
    listed = subprocess.run(
        [dcmtk("dcmsign"), "+lp"], capture_output=True, text=True, check=True
    ).stdout
    found = {int(code): text for code, text in re.findall(r"^ +(\d+): (.+)$", listed, re.M)}
    assert found == SIGNATURE_PURPOSES


@pytest.mark.parametrize("purpose", [0, 19, -1])
def test_another_code_is_refused(purpose):
    with pytest.raises(ArgumentError, match="from 1 to 18"):
        purpose_meaning(purpose)
