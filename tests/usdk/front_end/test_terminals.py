from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("serial", reason="pyserial is not installed")
pytest.importorskip("termios", reason="this system has no pseudo-terminals")

from usdk.errors import ArgumentError, StorageError
from usdk.front_end import open_front_end
from usdk.front_end.terminals import put_on_terminals

QUICK = "sim:phased-p4-2v?scene=points"


def test_several_devices_are_opened_by_what_is_said() -> None:
    on = put_on_terminals([f"{QUICK}&serial=A-1", f"{QUICK}&serial=A-2"])
    folders = {Path(one.address.removeprefix("serial:")).parent for one in on.front_ends}
    try:
        for number, one in enumerate(on.front_ends, start=1):
            assert one.description == f"simulated P4-2v, serial number A-{number}"
            for address in (one.address, f"serial:{one.terminal}"):
                with open_front_end(address) as opened:
                    assert opened.info.serial_number == f"A-{number}"
        assert on.plug_in() == 0
    finally:
        on.close()
    on.close()
    assert not any(folder.exists() for folder in folders)


def test_a_folder_that_is_given_is_made_and_stays(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "dev"
    put_on_terminals([QUICK], folder=folder).close()
    assert list(folder.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file"):
        put_on_terminals([QUICK], folder=tmp_path / "file")
    (folder / "ttyUSDK1").touch()
    with pytest.raises(StorageError):
        put_on_terminals([QUICK, QUICK], folder=folder)
    assert [path.name for path in folder.iterdir()] == ["ttyUSDK1"]


@pytest.mark.parametrize(
    ("addresses", "hint"),
    [
        ([], "at least one"),
        (["serial:/dev/ttyACM0"], "the driver of 'serial' cannot put"),
        ([QUICK, "usb:"], "of one kind, not of sim, usb"),
        (["sim:linear-l12"], "nor a file"),
    ],
)
def test_what_cannot_be_put_on_a_port_is_refused(addresses: list[str], hint: str) -> None:
    with pytest.raises(ArgumentError, match=hint):
        put_on_terminals(addresses)
