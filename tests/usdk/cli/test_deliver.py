from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pydicom")
pytest.importorskip("cryptography")

from outbox_fixtures import dicom_object

from usdk.cli import main
from usdk.errors import ArgumentError
from usdk.export.delivery.configuration import read_configuration
from usdk.export.outbox import Event, Outbox

LINE = """
[[line]]
kind = "stow"
url = "https://archive.example/dicom-web"
tls = { trusted_certificates = ["ca.pem"], certificate = "unit.pem", key = "key.pem" }
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "deliver.toml"
    path.write_text(text)
    return path


def test_files_are_queued_into_the_folder_beside_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(tmp_path, '[outbox]\nfolder = "box"\nquota_bytes = 1_000_000\n')
    for n in range(2):
        (tmp_path / f"{n}.dcm").write_bytes(dicom_object())
    files = [str(tmp_path / f"{n}.dcm") for n in range(2)]
    assert main(["deliver", *files, "--config", str(config), "--queue-only"]) == 0
    assert "2 objects are queued" in capsys.readouterr().out
    with Outbox(tmp_path / "box") as outbox:
        assert len(outbox.list()) == 2
    assert main(["deliver", "--config", str(config)]) == 2


def test_what_is_known_is_not_said_to_be_queued(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(tmp_path, '[outbox]\nfolder = "box"\nreserve_bytes = 0\n')
    (tmp_path / "0.dcm").write_bytes(dicom_object())
    words = ["deliver", str(tmp_path / "0.dcm"), "--config", str(config), "--queue-only"]
    assert main(words) == 0
    with Outbox(tmp_path / "box") as outbox:
        [entry] = outbox.claim()
        outbox.confirm(outbox.settle(entry, Event.ACCEPT))
    capsys.readouterr()
    assert main(words) == 0
    said = capsys.readouterr()
    assert "0 objects are queued" in said.out
    assert "1 were known already" in said.err


def test_a_configuration_is_read_whole(tmp_path: Path) -> None:
    text = '[outbox]\nfolder = "/box"\nkey = "file:key"\n[delivery]\nbandwidth_bit_s = 8e6\n'
    configuration = read_configuration(write(tmp_path, text + LINE))
    assert configuration.folder == Path("/box")
    assert configuration.delivery == {"bandwidth_bytes_per_s": 1e6}
    assert [line["kind"] for line in configuration.lines] == ["stow"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[outbox", "not TOML"),
        ("", "lacks outbox"),
        ("[outbox]\n", "lacks folder"),
        ('[outbox]\nfolder = "x"\nfoldr = 1\n', "no option 'foldr'"),
        ("[outbox]\nfolder = 3\n", "of type str"),
        ('[outbox]\nfolder = "x"\nkey = "secret"\n', "key must be"),
        ('[outbox]\nfolder = "x"\n[[line]]\nkind = "ftp"\n', "kind"),
        ('[outbox]\nfolder = "x"\n[[line]]\nkind = "stow"\nurl = "https://x"\n', "lacks tls"),
        ('[outbox]\nfolder = "x"\nline = 3\n', "no option 'line'"),
    ],
)
def test_what_is_wrong_in_a_configuration_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        read_configuration(write(tmp_path, text))
