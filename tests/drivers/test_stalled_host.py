"""A host that hangs: the device in another process stops sending, and says so afterwards."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from usdk.front_end import share_front_ends

WATCHDOG_S = 1.5
HOST = f"""
import usdk
from usdk.front_end import change_settings

with usdk.open_front_end({{address!r}}) as front_end:
    front_end.configure(usdk.plane_waves(), depth_m=10e-3)
    front_end.read(timeout_s=60)
    front_end.stop()
    change_settings(front_end, {{{{"watchdog.timeout_s": {WATCHDOG_S}}}}})
    front_end.read(timeout_s=60)
    print("reading", flush=True)
    try:
        for acquisition in front_end.stream():
            pass
    except usdk.UsdkError as error:
        print(type(error).__name__, front_end.status().frozen, flush=True)
    front_end.stop()
    print(front_end.read(timeout_s=60).n_frames, "after a new start", flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no process is stopped here")
def test_a_stopped_host_freezes_the_device_and_goes_on_after_a_new_start() -> None:
    # One frame, made before the host stops: the device's clock stands still while it computes.
    address = "sim:phased-p4-2v?scene=points&frames=1"
    shared = share_front_ends([address], host="127.0.0.1", port=0)
    try:
        code = HOST.format(address=shared.front_ends[0].address)
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
        ) as host:
            assert host.stdout is not None
            try:
                assert host.stdout.readline() == "reading\n"
                host.send_signal(signal.SIGSTOP)
                time.sleep(2 * WATCHDOG_S)
                host.send_signal(signal.SIGCONT)
                assert host.stdout.readline() == "DeviceFrozenError host silent\n"
                assert host.stdout.readline() == "1 after a new start\n"
                assert host.wait(60) == 0
            finally:
                host.kill()
    finally:
        shared.close()
