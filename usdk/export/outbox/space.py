"""How much more the outbox may hold. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from usdk.errors import StorageError

__all__ = ["RESERVE_BYTES", "Space"]

RESERVE_BYTES = 256 << 20
"""Left free on the disk: the state, the journal and the system must be able to write."""


@dataclass(frozen=True)
class Space:
    """What is used and what is left, bytes; ``quota_bytes`` is None without a quota."""

    used_bytes: int
    free_bytes: int
    quota_bytes: int | None
    reserve_bytes: int

    def shortage_bytes(self, n_bytes: int) -> int:
        """Return how many bytes must go before ``n_bytes`` may come; 0 if there is room."""
        over = n_bytes - (self.free_bytes - self.reserve_bytes)
        if self.quota_bytes is not None:
            over = max(over, self.used_bytes + n_bytes - self.quota_bytes)
        return max(over, 0)

    def refusal(self, n_bytes: int) -> StorageError:
        """Return the error for an object that has no room."""
        if self.quota_bytes is not None and self.used_bytes + n_bytes > self.quota_bytes:
            limit = f"its quota of {self.quota_bytes} bytes would be exceeded"
        else:
            limit = f"{self.free_bytes} bytes are free, and {self.reserve_bytes} are kept free"
        return StorageError(
            f"the outbox has no room for {n_bytes} bytes ({limit}) and no confirmed object to"
            " remove: bring the line back so that objects are delivered, or free the disk"
        )
