from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
OPEN_TO_DRIVERS = {"acquisition", "errors", "front_end", "io", "probe", "transmit"}


def test_every_room_of_usdk_is_open_or_closed_to_drivers() -> None:
    """The import contract lists what is closed; a new room must be added to it."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (closed,) = (
        {name.removeprefix("usdk.") for name in contract["forbidden_modules"]}
        for contract in contracts["contracts"]
        if contract["type"] == "forbidden" and contract["source_modules"] == ["usdk_drivers"]
    )
    rooms = {
        path.stem
        for path in (ROOT / "usdk").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    } - {"__init__"}
    assert closed | OPEN_TO_DRIVERS == rooms
    assert not closed & OPEN_TO_DRIVERS
