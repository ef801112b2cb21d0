"""Configurations of a delivery: TOML that is refused by type, or options of the right types."""

from __future__ import annotations

from scratch_file import scratch_file

from usdk.errors import ArgumentError, StorageError
from usdk.export.delivery import configuration
from usdk.export.delivery.configuration import read_configuration

_DIMSE = b"""
[outbox]
folder = "o"
key = "credential"
[[line]]
kind = "dimse"
host = "archive"
port = 11112
called_ae_title = "ARCHIVE"
max_rate_bit_s = 1e6
[line.tls]
trusted_certificates = ["a.pem"]
certificate = "b.pem"
key = "c.pem"
password_file = "d"
clock_tolerance_s = 3
"""


def seeds() -> list[bytes]:
    """Return the example of the documentation, and one with a DIMSE line."""
    text = (configuration.__doc__ or "").partition("::\n")[2].partition("Relative paths")[0]
    return [text.encode(), _DIMSE]


def one_input(data: bytes) -> None:
    """Read a configuration."""
    try:
        found = read_configuration(scratch_file(data, "fuzz.toml"))
    except (ArgumentError, StorageError):
        return
    assert all(line["kind"] in ("stow", "dimse") for line in found.lines)
    assert isinstance(found.key, str)
