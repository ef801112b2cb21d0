"""The driver against a simulated board that misbehaves on purpose."""

from __future__ import annotations

import socket
import threading
import time

import numpy as np
import pytest
from usdk_pulser import PulserFrontEnd
from usdk_pulser.simulated import SimulatedPulser

from usdk import open_front_end
from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    StateError,
)
from usdk.sequences import plane_waves
from usdk.transmit import SingleElement, TransmitSequence


def test_what_the_board_measures_is_what_is_read() -> None:
    with SimulatedPulser() as board, open_front_end(board.address) as front_end:
        assert isinstance(front_end, PulserFrontEnd)
        assert (front_end.info.serial_number, front_end.info.firmware_version) == (
            "SN-00042",
            "1.2",
        )
        configuration = front_end.configure(depth_m=0.03)
        assert configuration.receive.time_zero_s == (1e-6,)
        acquisition = front_end.read(5)
        assert acquisition.data.shape == (5, 1, 1, configuration.receive.n_samples)
        assert acquisition.sequence_numbers.tolist() == [0, 1, 2, 3, 4]
        # The reflector is where its echo's time says: 20 µs, 15.4 mm.
        peak = int(np.abs(acquisition.data[0, 0, 0].astype(float)).argmax())
        assert 1e-6 + peak / 20e6 == pytest.approx(20e-6, abs=0.1e-6)
        period_s = np.diff(acquisition.device_timestamps_s)
        assert np.allclose(period_s, 1 / configuration.frame_rate_hz)


def test_what_is_lost_or_damaged_is_left_out_and_counted() -> None:
    with (
        SimulatedPulser(dropped={2, 3}, damaged={5}) as board,
        open_front_end(board.address) as front_end,
    ):
        front_end.configure(depth_m=0.03)
        acquisition = front_end.read(5)
        status = front_end.status()
    assert acquisition.sequence_numbers.tolist() == [0, 1, 4, 6, 7]
    assert [(g.first_sequence_number, g.n_frames) for g in acquisition.gaps] == [(2, 2), (5, 1)]
    assert (status.n_frames_received, status.n_frames_lost) == (5, 3)
    assert (status.n_packets_lost, status.n_packets_damaged) == (2, 1)


def test_silence_ends_in_time_after_what_came() -> None:
    with SimulatedPulser(silent_from=3) as board, open_front_end(board.address) as front_end:
        front_end.configure(depth_m=0.03)
        assert front_end.read(10, timeout_s=0.3).n_frames == 3
        started_s = time.monotonic()
        with pytest.raises(DeviceTimeoutError, match="trigger"):
            front_end.read(timeout_s=0.1)
        assert time.monotonic() - started_s < 1


def test_unplugged_it_is_absent_and_can_be_opened_again() -> None:
    with SimulatedPulser() as board:
        with open_front_end(board.address) as front_end:
            front_end.configure(depth_m=0.03)
            front_end.read()
            board.unplug()
            with pytest.raises(DeviceAbsentError, match="open it again"):
                # The first of them may still deliver what came before.
                any(front_end.read(1000, timeout_s=10) is None for _ in range(100))
            front_end.stop()
        board.plug()
        open_front_end(board.address).close()
    with pytest.raises(DeviceAbsentError, match="power and cable"):
        open_front_end(board.address)


@pytest.mark.parametrize(
    ("sequence", "depth_m", "hint"),
    [
        (plane_waves(), 0.03, "SingleElement"),
        (TransmitSequence(transmits=(SingleElement(element=0),), frequency_hz=3e6), 0.03, "own"),
        (TransmitSequence(transmits=(SingleElement(element=0),), prf_hz=4000), 0.2, "too fast"),
        (None, 3.0, "630 mm or less"),
    ],
)
def test_what_it_cannot_do_is_refused_before_the_board_hears_of_it(
    sequence: TransmitSequence | None, depth_m: float, hint: str
) -> None:
    with SimulatedPulser() as board, open_front_end(board.address) as front_end:
        with pytest.raises(ArgumentError, match=hint):
            front_end.configure(sequence, depth_m=depth_m)
        assert board.lines == ["id"]


def test_stopping_from_another_thread_ends_a_read() -> None:
    with SimulatedPulser(silent_from=0) as board, open_front_end(board.address) as front_end:
        front_end.configure(depth_m=0.03)
        threading.Timer(0.1, front_end.stop).start()
        with pytest.raises(StateError):
            front_end.read(timeout_s=10)


def test_another_device_is_told_by_what_it_says() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"220 mail.example.org ready for whoever is there\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(DeviceFailedError, match="check the address"):
            open_front_end(f"pulser:127.0.0.1:{listener.getsockname()[1]}")
        thread.join()


@pytest.mark.parametrize(
    "address", ["", "host", "host:", ":5025", "host:70000", "host:" + "9" * 99]
)
def test_an_address_that_cannot_be_is_refused(address: str) -> None:
    with pytest.raises(ArgumentError, match="HOST:PORT"):
        open_front_end(f"pulser:{address}")
