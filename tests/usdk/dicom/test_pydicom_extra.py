from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
sys.modules["pydicom"] = None
from usdk.errors import MissingExtraError
try:
    import usdk.dicom
except MissingExtraError as error:
    print(error)
"""


def test_without_pydicom_the_message_names_the_extra():
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True
    )
    assert "ultrasound-sdk[dicom]" in run.stdout
