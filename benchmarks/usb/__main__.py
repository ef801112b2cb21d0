"""USB: transfers on every simulated bus, and devices that do not wait for the host.

``python benchmarks/usb transfers [SECONDS]`` and ``python benchmarks/usb paced [SECONDS]``.
"""

from __future__ import annotations

import sys

import paced
import transfers

if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else "transfers"
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else None
    if what == "transfers":
        transfers.measure(seconds or 2.0)
    elif what == "paced":
        paced.measure(seconds or 60.0)
    else:
        sys.exit(__doc__)
