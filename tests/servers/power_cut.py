"""Power cuts of a recorded program: what was not synchronised is thrown away, in part or whole.

A program runs once under ``strace``, which tells every write, truncation, new name and
synchronisation below a folder, SQLite's among them. A cut takes the calls up to some moment and
builds a folder that a disk may hold then, under the weakest promises of POSIX: bytes are durable
once their file was synchronised, a name once its folder was. Of what was not, each write is there,
torn or absent at random, in any order; of the changes of a folder a random beginning is there.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR_BYTES = 512
_CALLS = (
    "openat,mkdir,write,pwrite64,fsync,fdatasync,rename,unlink,ftruncate,truncate,rmdir,"
    "writev,pwritev,fallocate,link,unlinkat,renameat,renameat2,copy_file_range,sendfile"
)
_LINE = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)(.*)$")
_PASSED_OVER = re.compile(r"^\d+ +(\+\+\+|---)|= \?$")  # ends and signals
_HEX = re.compile(r"\\x([0-9a-f]{2})")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_DESCRIPTOR = re.compile(r"^(\d+)<([^>]*)>")


@dataclass(frozen=True)
class Call:
    """One system call below the folder, or a word to the marker file (``verb`` "mark")."""

    verb: str
    path: str
    other: str = ""
    data: bytes = b""
    offset: int = -1
    flags: str = ""


def record(program: Path, arguments: list[str], folder: Path, marks: Path, log: Path) -> list[Call]:
    """Run a Python program under strace and return what it did below ``folder``."""
    command = ["strace", "-f", "-y", "-xx", "-s", "4000000", "-e", f"trace={_CALLS}"]
    command += ["-o", str(log), sys.executable, str(program), *arguments]
    subprocess.run(command, check=True, timeout=300, capture_output=True)
    return list(_calls(log, str(folder), str(marks)))


def _text(escaped: str) -> str:
    return bytes.fromhex("".join(_HEX.findall(escaped))).decode()


def _joined(log: Path) -> Iterator[str]:
    """Join the halves of calls that another thread's interrupted; a call counts as it returns."""
    begun: dict[str, str] = {}
    for line in log.read_text().splitlines():
        pid = line.split(maxsplit=1)[0]
        if line.endswith("<unfinished ...>"):
            begun[pid] = line.removesuffix("<unfinished ...>").rstrip()
        elif " resumed>" in line:
            yield begun.pop(pid) + line.partition(" resumed>")[2]
        else:
            yield line


def _calls(log: Path, folder: str, marks: str) -> Iterator[Call]:
    positions: dict[int, int] = {}
    for line in _joined(log):
        match = _LINE.match(line)
        if match is None and not _PASSED_OVER.search(line):
            raise ValueError(f"strace says what is not understood: {line[:80]}")
        if match is None or int(match[3]) < 0:
            continue
        name, arguments, result, rest = match[1], match[2], int(match[3]), match[4]
        strings = [
            bytes.fromhex("".join(_HEX.findall(text))) for text in _STRING.findall(arguments)
        ]
        on = _DESCRIPTOR.match(arguments)
        path = _text(on[2]) if on else (strings[0].decode() if strings else "")
        if name == "openat":
            path = _text(rest.strip().lstrip("<").rstrip(">"))
            positions[result] = 0
            if path.startswith(folder) and "O_DIRECTORY" not in arguments:
                yield Call("open", path, flags=arguments)
            continue
        if name == "write":
            assert on is not None
            number = int(on[1])
            offset = positions.get(number, 0)
            positions[number] = offset + result
            if path == marks:
                yield Call("mark", path, data=strings[0])
            elif path.startswith(folder):
                yield Call("write", path, data=strings[0][:result], offset=offset)
            continue
        if not path.startswith(folder):
            continue
        if name == "pwrite64":
            offset = int(arguments.rsplit(",", 1)[1])
            yield Call("write", path, data=strings[0][:result], offset=offset)
        elif name in ("fsync", "fdatasync"):
            yield Call("sync", path)
        elif name in ("ftruncate", "truncate"):
            yield Call("truncate", path, offset=int(arguments.rsplit(",", 1)[1]))
        elif name == "rename":
            yield Call("rename", path, other=strings[1].decode())
        elif name in ("unlink", "mkdir"):
            yield Call(name, path)
        else:
            raise ValueError(f"{name} is not modelled")


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Call] = field(default_factory=list)

    def sync(self) -> None:
        for call in self.pending:
            _apply(self.durable, call, len(call.data))
        self.pending.clear()

    def after_cut(self, chance: random.Random) -> bytes:
        content = bytearray(self.durable)
        keeps = chance.choice((0.0, 0.5, 1.0))
        for call in self.pending:
            if chance.random() < keeps:
                n_bytes = len(call.data)
                if chance.random() < 0.3:
                    n_bytes = chance.randrange(0, n_bytes + SECTOR_BYTES, SECTOR_BYTES)
                _apply(content, call, min(n_bytes, len(call.data)))
        return bytes(content)


def _apply(content: bytearray, call: Call, n_bytes: int) -> None:
    if call.verb == "truncate":
        del content[call.offset :]
        content.extend(bytes(call.offset - len(content)))
        return
    end = call.offset + n_bytes
    content.extend(bytes(max(end - len(content), 0)))
    content[call.offset : end] = call.data[:n_bytes]


class Disk:
    """A disk under a program: what it would see, and what would be left of it after a cut."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._files: dict[str, _File] = {}
        self._folders = {self._root}
        self._durable: dict[str, _File | None] = {}
        self._pending: dict[str, list[tuple[str, str, _File | None]]] = {}
        self.marks: list[str] = []

    def do(self, call: Call) -> None:
        """Take in one call."""
        path = call.path
        if call.verb == "mark":
            self.marks += call.data.decode().split("\n")[:-1]
        elif call.verb == "open":
            if path not in self._files and path not in self._folders:
                self._files[path] = _File()
                self._change(path, "link", self._files[path])
            elif "O_TRUNC" in call.flags:
                self._files[path].pending.append(Call("truncate", path, offset=0))
        elif call.verb in ("write", "truncate"):
            self._files[path].pending.append(call)
        elif call.verb == "sync" and path in self._folders:
            for change in self._pending.pop(path, []):
                _rename_in(self._durable, *change)
        elif call.verb == "sync":
            self._files[path].sync()
        elif call.verb == "mkdir":
            self._folders.add(path)
            self._change(path, "link", None)
        elif call.verb == "unlink":
            self._change(path, "unlink", self._files.pop(path, None))
        elif call.verb == "rename":
            file = self._files.pop(path)
            self._files[call.other] = file
            self._change(path, "unlink", file)
            self._change(call.other, "link", file)

    def _change(self, path: str, what: str, file: _File | None) -> None:
        parent = str(Path(path).parent)
        self._pending.setdefault(parent, []).append((what, path, file))

    def cut(self, folder: Path, chance: random.Random) -> None:
        """Write what a disk may hold after a cut now into a new folder."""
        names = dict(self._durable)
        for changes in self._pending.values():
            for change in changes[: chance.randint(0, len(changes))]:
                _rename_in(names, *change)
        folder.mkdir()
        for path in sorted(names):
            target = folder / Path(path).relative_to(self._root)
            if not target.parent.is_dir():
                continue  # a folder whose own name was lost takes its files with it
            file = names[path]
            if file is None:
                target.mkdir()
            elif not path.endswith("-shm"):  # shared memory of SQLite, made anew
                target.write_bytes(file.after_cut(chance))
                target.chmod(0o600)


def _rename_in(names: dict[str, _File | None], what: str, path: str, file: _File | None) -> None:
    if what == "link":
        names[path] = file
    else:
        names.pop(path, None)
