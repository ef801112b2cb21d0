"""A disk that loses power: what was written and not synchronised is gone.

A file system (ext4) in a file, mounted through a loop device. ``lose_power`` shuts it down as a
power cut would, by the file system's own request for that (``EXT4_IOC_SHUTDOWN`` without a flush of
its log), and mounts it again: what lay in memory alone is thrown away, and the log is replayed.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
from pathlib import Path

__all__ = ["PowerLossDisk", "why_no_disk"]

_SHUTDOWN = 0x8004587D
"""``EXT4_IOC_SHUTDOWN`` (linux, fs/ext4/ext4.h)."""

_NO_LOG_FLUSH = 2
_CLONE_NEWNS = 0x00020000


class PowerLossDisk:
    """A small disk, mounted at ``folder``."""

    def __init__(self, folder: Path, *, n_bytes: int = 256 << 20) -> None:
        self.folder = folder
        self._image = folder.with_suffix(".img")
        folder.mkdir()
        with self._image.open("wb") as file:
            file.truncate(n_bytes)
        _run("mkfs.ext4", "-q", "-F", "-O", "^resize_inode", str(self._image))
        self._mount()

    def _mount(self) -> None:
        _run("mount", "-o", "loop", str(self._image), str(self.folder))

    def lose_power(self) -> None:
        """Throw away what was not synchronised, and come up again."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(descriptor)
        _run("umount", str(self.folder))
        self._mount()

    def close(self) -> None:
        """Unmount and remove the disk."""
        _run("umount", str(self.folder))
        self._image.unlink()


def why_no_disk(folder: Path) -> str:
    """Return why such a disk cannot be had here, tried in ``folder``; empty if it can.

    Moves this process to a view of mounts of its own: another process that copies the machine's
    meanwhile (`ip netns exec` does) would keep a disk mounted that has lost its power.
    """
    if os.geteuid() != 0:
        return "power cuts need root, to mount a disk"
    if shutil.which("mkfs.ext4", path="/usr/sbin:/sbin") is None:
        return "power cuts need mkfs.ext4 (Debian's e2fsprogs)"
    place = folder / "trial"
    if ctypes.CDLL(None).unshare(_CLONE_NEWNS):
        return "power cuts need a mount namespace, which this kernel does not give"
    try:
        _run("mount", "--make-rprivate", "/")
        disk = PowerLossDisk(place, n_bytes=8 << 20)
        try:
            disk.lose_power()
        finally:
            disk.close()
    except (OSError, subprocess.CalledProcessError):
        return "power cuts need loop devices and ext4, which this kernel does not give"
    place.rmdir()
    return ""


def _run(*command: str) -> None:
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    subprocess.run(
        command, check=True, capture_output=True, timeout=60, env=os.environ | {"PATH": path}
    )
