from __future__ import annotations

from delivery_fixtures import pki, signed_file, signed_files, signing

__all__ = ["pki", "signed_file", "signed_files", "signing"]
