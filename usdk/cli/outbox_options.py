"""Which outbox: a folder with its key, or a configuration file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from usdk.errors import ArgumentError, StorageError

if TYPE_CHECKING:
    from usdk.export.outbox import Outbox

__all__ = ["add_outbox_arguments", "open_outbox"]


def add_outbox_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that name an outbox."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="TOML",
        help="configuration of the delivery; names the outbox",
    )
    parser.add_argument("--outbox", type=Path, metavar="FOLDER", help="the outbox, by its folder")
    parser.add_argument(
        "--key-file", type=Path, metavar="FILE", help="its key file, if objects are encrypted"
    )


def open_outbox(arguments: argparse.Namespace) -> Outbox:
    """Open the outbox that was named; it must exist."""
    if (arguments.config is None) == (arguments.outbox is None):
        raise ArgumentError("say which outbox: --config deliver.toml, or --outbox FOLDER")
    from usdk.export.outbox import FileKeyStore, Outbox

    if arguments.config is not None:
        from usdk.export.delivery.configuration import read_configuration

        configuration = read_configuration(arguments.config)
        require_outbox(configuration.folder)
        return configuration.open_outbox()
    require_outbox(arguments.outbox)
    keys = None if arguments.key_file is None else FileKeyStore(arguments.key_file)
    return Outbox(arguments.outbox, keys=keys)


def require_outbox(folder: Path) -> None:
    """Raise `StorageError` if the folder is no outbox: looking must not make one."""
    if not (folder / "outbox.sqlite3").is_file():
        raise StorageError(f"{folder} is no outbox: check the path, or queue with 'usdk deliver'")
