"""Who acts, as the journal names them."""

from __future__ import annotations

import os
import pwd

__all__ = ["default_actor"]


def default_actor() -> str:
    """Return the user that this process runs as: its login name, or its number."""
    user = os.geteuid()
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
