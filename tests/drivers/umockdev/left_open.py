"""End a program while data are on their way, as one does that forgets to close.

umockdev-wrapper python tests/drivers/umockdev/left_open.py
"""

from __future__ import annotations

import subprocess
import sys

from small_device import small_device

from usdk_drivers.umockdev import MockedBus

FORGETS = """
import sys, threading
from usdk_drivers.usb_front_end import UsbFrontEnd

front_end = UsbFrontEnd.open("")
front_end.configure()
front_end.read()
assert "transfers in flight" in str(front_end.reads)

def read():
    try:
        while True:
            front_end.read()
    except Exception:
        sys.exit()

threading.Thread(target=read, daemon=True).start()
sys.exit(7)
"""

with MockedBus([small_device("L-1")]) as bus:
    ended = subprocess.run(
        [sys.executable, "-c", FORGETS],
        env=bus.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
assert ended.returncode == 7, (ended.returncode, ended.stderr)
print("done")  # noqa: T201  # what the test looks for
