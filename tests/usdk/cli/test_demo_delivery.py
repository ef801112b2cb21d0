from __future__ import annotations

import pytest

from usdk.cli.demo_delivery import deliver_all
from usdk.cli.progress import make_progress
from usdk.errors import ArgumentError, StorageError
from usdk.export import write_dicom
from usdk.trust import dev_signer


@pytest.fixture
def signed(make_frame, tmp_path):
    return [
        write_dicom(tmp_path / f"{index}.dcm", [make_frame(index)], signer=dev_signer())
        for index in range(2)
    ]


def test_signed_objects_are_confirmed_by_the_receiver_on_loopback(signed):
    progress = make_progress(quiet=True)
    assert deliver_all(signed, None, progress) == {"receiver": "loopback", "n_confirmed": 2}
    assert [(stage.name, stage.n_done) for stage in progress.stages] == [("deliver", 2)]


def test_a_configuration_that_is_none_is_said(signed, tmp_path):
    with pytest.raises(StorageError):
        deliver_all(signed, tmp_path / "absent.toml", make_progress(quiet=True))
    (tmp_path / "junk.toml").write_text("nonsense")
    with pytest.raises(ArgumentError):
        deliver_all(signed, tmp_path / "junk.toml", make_progress(quiet=True))
