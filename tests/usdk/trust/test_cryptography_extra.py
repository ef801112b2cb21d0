from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import usdk.trust

PROGRAM = """
import sys
sys.modules["cryptography"] = None
import usdk
from usdk.errors import MissingExtraError
try:
    import usdk.trust{module}
except MissingExtraError as error:
    print(error)
"""


def test_without_cryptography_the_extra_is_named():
    for module in ("", ".file_key", ".certificate_trust"):
        program = PROGRAM.format(module=module)
        answer = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        expected = 'Signing needs an optional package: pip install "ultrasound-sdk[dicom]"\n'
        assert answer.stdout == expected


OPTIONAL = {
    "rfc3161_client": "timestamp.py",
    "pkcs11": "pkcs11_key.py",
    "tpm2_pytss": "tpm_key.py",
}


def test_the_package_imports_errors_files_and_cryptography_alone():
    folder = Path(usdk.trust.__file__).parent
    allowed = ("usdk.errors", "usdk.files", "usdk.trust", "cryptography", "__future__")
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name in OPTIONAL:
                    assert path.name == OPTIONAL[name]
                    continue
                known = name.split(".")[0] in sys.stdlib_module_names
                assert known or name.startswith(allowed), f"{path.name} imports {name}"
                if name.startswith("cryptography"):
                    assert path.name == "cryptography_extra.py"
