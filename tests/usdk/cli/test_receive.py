from __future__ import annotations

import pytest

import usdk.cli.receive as receiving
from usdk.cli.progress import Stage
from usdk.cli.receive import receive
from usdk.errors import ArgumentError, DeviceAbsentError
from usdk.front_end import FrontEnd, open_front_end
from usdk.sequences import plane_waves


def opened(faults: str = "") -> FrontEnd:
    front_end = open_front_end(f"sim:linear-l11-5v?scene=points&frames=2&faults={faults}")
    front_end.configure(plane_waves(), depth_m=10e-3)
    return front_end


def test_losses_at_the_very_end_are_counted_too() -> None:
    with opened("drop@2") as front_end:
        stage = Stage("receive", "frames", 2)
        received = receive(front_end, 2, stage, timeout_s=5.0)
        assert (len(received.acquisitions), received.n_frames_lost) == (2, 0)
        received = receive(front_end, 1, stage, timeout_s=5.0)
    assert (received.n_frames_lost, received.n_packets_lost) == (1, 1)
    assert (stage.n_done, stage.note) == (3, "1 lost")


def test_an_interruption_after_the_first_frame_is_returned_and_before_it_raised() -> None:
    with opened("unplug@1") as front_end:
        received = receive(front_end, 3, Stage("receive", "frames"), timeout_s=5.0)
        assert len(received.acquisitions) == 1
        assert isinstance(received.interruption, DeviceAbsentError)
        assert received.to_dict()["interruption"] == str(received.interruption)
    with opened("unplug@0") as front_end, pytest.raises(DeviceAbsentError):
        receive(front_end, 3, Stage("receive", "frames"), timeout_s=5.0)


def test_more_than_memory_allows_is_refused_before_the_first_frame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with opened() as front_end:
        frame_bytes = 4 * 128 * front_end.configuration.receive.n_samples
        monkeypatch.setattr(receiving, "MAX_CHANNEL_BYTES", 3 * frame_bytes)
        with pytest.raises(ArgumentError, match="at most 3"):
            receive(front_end, 4, Stage("receive", "frames"), timeout_s=5.0)
        # A device that never ends is read as far as memory allows.
        received = receive(front_end, None, Stage("receive", "frames"), timeout_s=5.0)
    assert len(received.acquisitions) == 3
