"""``python -m usdk.cli`` is ``usdk``."""

from __future__ import annotations

import sys

from usdk.cli.program import main

sys.exit(main())
