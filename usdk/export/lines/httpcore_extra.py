"""The one place that may miss ``httpcore`` and what it needs for HTTP/2.

``httpx`` is built on it, and offers neither a time limit for a whole exchange nor the answer to
what became of a handshake; the layer below offers both.
"""

from __future__ import annotations

from usdk.errors import MissingExtraError

try:
    import h2  # noqa: F401
    import httpcore
except ImportError as error:
    raise MissingExtraError.for_extra("cloud", "Delivery by DICOMweb") from error

__all__ = ["httpcore"]
