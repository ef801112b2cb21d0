"""Run a program that finds simulated devices on its USB.

``umockdev-wrapper python -m usdk_drivers.umockdev sim:linear-l11-5v -- lsusb -v``
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from usdk.errors import UsdkError
from usdk_drivers.simulator.simulated_device import simulated_device
from usdk_drivers.umockdev.bus import MockedBus

__all__ = ["main"]

_WRONG_USE, _FAILED = 2, 1
_USAGE = (
    "usage: python -m usdk_drivers.umockdev sim:ADDRESS [sim:ADDRESS …] -- PROGRAM [ARGUMENT …]"
)


def main(arguments: Sequence[str]) -> int:
    """Run the program and return its exit status."""
    addresses, command = list(arguments), list[str]()
    if "--" in addresses:
        place = addresses.index("--")
        addresses, command = addresses[:place], addresses[place + 1 :]
    if not (addresses and command and all(one.startswith("sim:") for one in addresses)):
        sys.stderr.write(_USAGE + "\n")
        return _WRONG_USE
    try:
        simulated = [simulated_device(address.removeprefix("sim:")) for address in addresses]
        devices = [one.on_usb(one.firmware(), return_s=1.0) for one in simulated]
        with MockedBus(devices) as bus:
            return subprocess.run(command, env=bus.environment, check=False).returncode
    except (UsdkError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return _FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
