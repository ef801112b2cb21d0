"""Two lines between two network namespaces, as long, slow and bad as one says.

Linux's ``netem`` is not in every kernel, so each line is a pair of TUN devices and this program
carries the packets from one to the other: it loses some, lets the rest wait in a queue of limited
length for their turn at the line's rate, and hands them over after the delay. TCP at both ends is
the kernel's own, and sees what it would see behind ``netem``.

Run as root::

    network_relay.py NAMESPACE NAMESPACE CONGESTION_CONTROL < commands

Each line of the input is JSON: ``{"line": 0, "loss": 0.05, "delay_s": 0.2, "rate_bit_s": 8e6,
"is_cut": false}``; what is not named stays. When the devices are there, it says ``ready``.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import random
import select
import struct
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

N_LINES = 2
MTU_BYTES = 1500
QUEUE_S = 0.25
"""How long a packet may wait for its turn before it is dropped, as in a router's buffer."""

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000


@dataclass
class Quality:
    """How a line is, the same both ways."""

    loss: float = 0.0
    delay_s: float = 0.0
    rate_bit_s: float = 1e9
    is_cut: bool = False


@dataclass
class Way:
    """One direction of a line: from one device into another."""

    source: int
    target: int
    quality: Quality
    waiting: deque[tuple[float, bytes]] = field(default_factory=deque)
    free_s: float = 0.0
    n_packets: int = 0
    n_bytes: int = 0
    n_lost: int = 0

    def take(self, packet: bytes, now_s: float) -> None:
        """Let a packet in, or lose it."""
        quality = self.quality
        start_s = max(self.free_s, now_s)
        if quality.is_cut or start_s - now_s > QUEUE_S or random.random() < quality.loss:
            self.n_lost += 1
            return
        self.free_s = start_s + len(packet) * 8 / quality.rate_bit_s
        self.n_packets += 1
        self.n_bytes += len(packet)
        self.waiting.append((self.free_s + quality.delay_s, packet))

    def give(self, now_s: float) -> None:
        """Hand over what has arrived; what was under way when a line was cut is lost."""
        while self.waiting and self.waiting[0][0] <= now_s:
            _, packet = self.waiting.popleft()
            if not self.quality.is_cut:
                os.write(self.target, packet)


def enter(namespace: str) -> None:
    """Move this process into a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/run/netns", namespace).open() as file:
        if libc.setns(file.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


def tun(name: str, address: str, peer: str, congestion_control: str) -> int:
    """Return a device of this name in the namespace that the process is in."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(
        descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI)
    )
    for command in (
        f"address add {address} peer {peer} dev {name}",
        f"link set {name} mtu {MTU_BYTES} txqueuelen 1000 up",
        # By its route, as the whole namespace may not always be told.
        f"route replace {peer} dev {name} src {address} congctl {congestion_control}",
    ):
        subprocess.run(["ip", *command.split()], check=True, timeout=30)
    return descriptor


def main() -> None:
    """Carry packets until the input ends; then say how many."""
    # A line does not wait for its turn on a busy machine.
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    near, far, congestion_control = sys.argv[1:4]
    qualities = [Quality() for _ in range(N_LINES)]
    ends: list[list[int]] = []
    for namespace, own, other in ((near, 1, 2), (far, 2, 1)):
        enter(namespace)
        ends.append(
            [
                tun(f"line{n}", f"10.77.{n}.{own}", f"10.77.{n}.{other}", congestion_control)
                for n in range(N_LINES)
            ]
        )
    ways = [
        Way(ends[end][n], ends[1 - end][n], qualities[n]) for n in range(N_LINES) for end in (0, 1)
    ]
    by_source = {way.source: way for way in ways}
    poll = select.epoll()
    for descriptor in (0, *by_source):
        poll.register(descriptor, select.EPOLLIN)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    commands = b""
    while True:
        due_s = min((way.waiting[0][0] for way in ways if way.waiting), default=None)
        wait_s = 1.0 if due_s is None else max(due_s - time.monotonic(), 0.0)
        for descriptor, _ in poll.poll(wait_s):
            if descriptor == 0:
                said = os.read(0, 65536)
                if not said:
                    json.dump([[w.n_packets, w.n_bytes, w.n_lost] for w in ways], sys.stdout)
                    return
                *whole, commands = (commands + said).split(b"\n")
                for command in whole:
                    change = json.loads(command)
                    vars(qualities[change.pop("line")]).update(change)
                continue
            try:
                for _ in range(64):
                    by_source[descriptor].take(os.read(descriptor, 65536), time.monotonic())
            except BlockingIOError:
                pass
        now_s = time.monotonic()
        for way in ways:
            way.give(now_s)


if __name__ == "__main__":
    main()
