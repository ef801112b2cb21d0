"""Open, read, unplug in mid-transfer, come back: nothing may be left behind.

umockdev-wrapper python tests/drivers/umockdev/unplug_cycles.py [CYCLES]
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
import time
from pathlib import Path

from small_device import small_device

from usdk.errors import DeviceAbsentError
from usdk_drivers import usb_ring
from usdk_drivers.umockdev import MockedBus
from usdk_drivers.usb_front_end import UsbFrontEnd

WAIT_S = 60.0
N_WARM_UP = 3
# Less than three of the rings that a cycle takes.
FEW_MIB = 20


def resident_mib() -> float:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    statm = Path("/proc/self/statm").read_text(encoding="ascii")
    return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def left_behind() -> tuple[int, int]:
    """Count this program's threads and open files, once those that end have ended."""
    gc.collect()
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


n_cycles = int(sys.argv[1]) if len(sys.argv) > 1 else 12
n_openings = int(sys.argv[2]) if len(sys.argv) > 2 else 30
device = small_device("U-1")
before: tuple[int, int] = (0, 0)
before_mib = 0.0
longest_s = 0.0
with MockedBus([device]) as bus:
    for cycle in range(n_cycles + N_WARM_UP):
        deadline_s = time.monotonic() + WAIT_S
        while True:
            try:
                front_end = UsbFrontEnd.open("")
                break
            except DeviceAbsentError:
                assert time.monotonic() < deadline_s, "it did not come back"
                time.sleep(0.005)
        with front_end:
            front_end.configure()
            front_end.read(2, timeout_s=WAIT_S)
            device.unplug()
            left_s = time.monotonic()
            try:
                while True:
                    front_end.read()
            except DeviceAbsentError:
                longest_s = max(longest_s, time.monotonic() - left_s)
        bus.look()
        device.plug()
        bus.look()
        if cycle == N_WARM_UP - 1:
            time.sleep(0.3)
            before, before_mib = left_behind(), resident_mib()
    for _ in range(n_openings):
        UsbFrontEnd.open("").close()
    # Threads that end have ended soon, on a machine that does other things too.
    deadline_s = time.monotonic() + WAIT_S
    while (after := left_behind()) > before and time.monotonic() < deadline_s:
        time.sleep(0.1)
    after_mib = resident_mib()
assert not usb_ring._abandoned
print(  # noqa: T201
    f"{n_cycles} cycles, {n_openings} openings: "
    f"threads and open files {before} before, {after} after; "
    f"memory {before_mib:.1f} and {after_mib:.1f} MiB; "
    f"missed after {longest_s * 1e3:.0f} ms at most"
)
assert after[0] <= before[0]
assert after[1] <= before[1]
assert after_mib < before_mib + FEW_MIB
print("done")  # noqa: T201
