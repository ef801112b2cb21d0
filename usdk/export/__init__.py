"""From frames to the imaging cloud: objects written whole, kept until their arrival is proven."""

from __future__ import annotations

from usdk.export.write import write_dicom

__all__ = ["write_dicom"]
