from __future__ import annotations

from pathlib import Path

import pytest

from usdk.errors import ArgumentError
from usdk.export.delivery import configuration
from usdk.export.delivery.configuration import read_configuration

LINE = '[outbox]\nfolder = "o"\n[[line]]\nkind = "stow"\nurl = "https://a"\n{}\n[line.tls]\n'
TLS = 'trusted_certificates = ["a"]\ncertificate = "b"\nkey = "c"\n'


def read(folder: Path, text: str) -> configuration.DeliveryConfiguration:
    path = folder / "deliver.toml"
    path.write_text(text)
    return read_configuration(path)


def test_the_documented_example_is_read(tmp_path: Path) -> None:
    text = (configuration.__doc__ or "").partition("::\n")[2].partition("Relative paths")[0]
    found = read(tmp_path, text.replace("\n    ", "\n"))
    assert str(found.folder) == "/var/lib/usdk/outbox"
    assert found.key == "file:/etc/usdk/outbox.key"
    assert found.outbox["quota_bytes"] == 20_000_000_000
    assert found.delivery == {"bandwidth_bytes_per_s": 1e6, "n_senders": 8, "n_confirmers": 16}
    assert [line["name"] for line in found.lines] == ["fibre"]
    assert found.lines[0]["tls"]["minimum_version"] == "1.3"


def test_paths_count_from_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, '[outbox]\nfolder = "o"').folder == tmp_path / "o"


@pytest.mark.parametrize(
    "text",
    [
        "a = ",
        "a = " + "[" * 5000,
        "a = " + "{a=" * 5000,
        "a = " + "1" * 5000,
        "a = 1",
        "outbox = 3",
        "[outbox]",
        '[outbox]\nfolder = "a\\u0000b"',
        '[outbox]\nfolder = "o"\nkey = "elsewhere"',
        '[outbox]\nfolder = "o"\nquota_bytes = 1e9',
        '[outbox]\nfolder = "o"\nquota_bytes = true',
        '[outbox]\nfolder = "o"\nquota_bytes = 9223372036854775808',
        '[outbox]\nfolder = "o"\nretain_s = nan',
        '[outbox]\nfolder = "o"\n[delivery]\nbandwidth_bit_s = inf',
        '[outbox]\nfolder = "o"\n[delivery]\nbandwidth_bit_s = 1' + "0" * 400,
        '[outbox]\nfolder = "o"\nline = [3]',
        '[outbox]\nfolder = "o"\n[[line]]\nkind = "post"',
        LINE.format("max_rate_bit_s = -inf") + TLS,
        LINE.format("colour = 3") + TLS,
        LINE.format("") + TLS.replace("certificate =", "x ="),
        LINE.format("") + TLS.replace('["a"]', '["a\\u0000"]'),
    ],
)
def test_what_cannot_be_is_refused_and_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ArgumentError):
        read(tmp_path, text)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff")
    with pytest.raises(ArgumentError, match="not TOML"):
        read_configuration(tmp_path / "a.toml")
