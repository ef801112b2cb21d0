"""From frames to the imaging cloud: objects written whole, kept until their arrival is proven."""

from __future__ import annotations

from usdk.export.write import write_dicom
from usdk.export.write_object import write_object

__all__ = ["write_dicom", "write_object"]
