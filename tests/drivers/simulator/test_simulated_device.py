"""Devices that are wrong as a whole, as the driver meets them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from usdk.errors import ArgumentError, DeviceAbsentError, DeviceFailedError, UsdkError
from usdk.front_end import open_front_end
from usdk.sequences import plane_waves
from usdk_drivers.simulator import DescriptorFault, SimulatedFrontEnd, simulated_device
from usdk_drivers.usb_front_end import UsbFrontEnd

POINTS = "linear-l11-5v?scene=points"


def test_dead_elements_neither_fire_nor_listen() -> None:
    data = {}
    for dead in ("", "&dead=3,17&n_dead=2"):
        with SimulatedFrontEnd.open(f"{POINTS}&noise_db=-70{dead}") as front_end:
            front_end.configure(plane_waves(), depth_m=20e-3)
            data[dead] = front_end.read().data[0, 0].astype(float)
    whole, part = data.values()
    rms = part.std(axis=1)
    dead = np.flatnonzero(rms < 12)
    assert dead.size == 4
    assert {3, 17} <= set(dead.tolist())
    # -70 dB of full scale.
    assert rms[dead] == pytest.approx(2**15 * 10 ** (-70 / 20), rel=0.1)
    # What the others hear is weaker by what was not sent, where all have the same share.
    alive = np.setdiff1d(np.arange(128), dead)
    assert np.linalg.norm(part[alive]) < np.linalg.norm(whole[alive])


def test_dead_elements_that_fire_alone_are_not_heard() -> None:
    from usdk.sequences import single_elements

    with SimulatedFrontEnd.open(f"{POINTS}&noise_db=-inf&dead=1") as front_end:
        front_end.configure(single_elements(range(3)), depth_m=15e-3)
        frame = front_end.read().data[0]
    assert [bool(np.any(transmit)) for transmit in frame] == [True, False, True]


@pytest.mark.parametrize("drift_ppm", [50.0, -200.0])
def test_a_clock_that_drifts_stamps_other_times_on_the_same_echoes(drift_ppm: float) -> None:
    times_s, data = [], []
    for option in ("", f"&drift_ppm={drift_ppm}"):
        with SimulatedFrontEnd.open(f"{POINTS}{option}") as front_end:
            front_end.configure(plane_waves(prf_hz=100.0), depth_m=10e-3)
            acquisition = front_end.read(5)
            times_s.append(acquisition.device_timestamps_s)
            data.append(acquisition.data)
    assert times_s[1] == pytest.approx(times_s[0] * (1 + drift_ppm * 1e-6), abs=1e-9)
    assert times_s[1][-1] != times_s[0][-1]
    assert np.array_equal(*data)


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (DescriptorFault.WRONG_INTERFACE, DeviceAbsentError, "no device"),
        (DescriptorFault.NO_BULK_IN, DeviceFailedError, "one bulk IN"),
        (DescriptorFault.NO_BULK_OUT, DeviceFailedError, "one bulk OUT"),
        (DescriptorFault.TRUNCATED, DeviceFailedError, "one bulk IN"),
    ],
)
def test_wrong_descriptors_are_a_typed_error_on_every_bus(
    fault: DescriptorFault, error: type[UsdkError], message: str
) -> None:
    address = f"{POINTS}&descriptors={fault}"
    with pytest.raises(error, match=message):
        SimulatedFrontEnd.open(address)
    with (
        SimulatedFrontEnd.share([address], host="127.0.0.1", port=0) as shared,
        pytest.raises(DeviceFailedError),
    ):
        open_front_end(shared.front_ends[0].address)


def test_after_an_unplug_it_is_back_in_time_with_other_firmware() -> None:
    address = f"{POINTS}&faults=unplug@2&return_s=0.2&firmware_after=2.0"
    with SimulatedFrontEnd.open(address) as front_end:
        assert front_end.info.firmware_version == "1.0.0"
        front_end.configure(plane_waves(), depth_m=10e-3)
        assert front_end.read(2).n_frames == 2
        with pytest.raises(DeviceAbsentError):
            front_end.read()
        gone_s = time.monotonic()
        with pytest.raises(DeviceAbsentError):
            UsbFrontEnd.on_backend(front_end.backend)
        time.sleep(0.25)
        # The handle of before stays void; the device must be opened anew.
        with pytest.raises(DeviceAbsentError):
            front_end.status()
        assert time.monotonic() - gone_s < 2
        with UsbFrontEnd.on_backend(front_end.backend) as again:
            assert again.info.firmware_version == "2.0"
            assert again.info.serial_number == "SIM-1"
            again.configure(plane_waves(), depth_m=10e-3)
            assert again.read(2).sequence_numbers.tolist() == [0, 1]


def test_without_a_return_it_stays_away() -> None:
    with SimulatedFrontEnd.open(f"{POINTS}&faults=unplug@0") as front_end:
        front_end.configure(plane_waves(), depth_m=10e-3)
        with pytest.raises(DeviceAbsentError):
            front_end.read()
        time.sleep(0.05)
        assert not front_end.device.is_attached


def test_a_fifo_that_is_too_small_is_overrun() -> None:
    lost = []
    for fifo_bytes in (2**16, 2**26):
        simulated = simulated_device(f"{POINTS}&realtime=1&noise_db=-inf")
        with SimulatedFrontEnd(
            simulated.engine, pace=simulated.pace, fifo_bytes=fifo_bytes
        ) as front_end:
            front_end.configure(plane_waves(prf_hz=2000.0), depth_m=5e-3)
            front_end.read()
            time.sleep(0.1)
            front_end.read(20)
            lost.append(front_end.status().n_overruns)
    assert lost[0] > 0
    assert lost[1] == 0


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("dead=200", "0 to 127"),
        ("dead=x", "x"),
        ("n_dead=129", "only 128"),
        ("n_dead=-1", "n_dead"),
        ("drift_ppm=nan", "drift_ppm"),
        ("return_s=-1", "return_s"),
        ("nak_s=inf", "nak_s"),
        ("descriptors=odd", "truncated"),
        ("seed=" + "9" * 5000, "cannot be used"),
    ],
)
def test_an_option_that_cannot_be_is_refused(query: str, hint: str) -> None:
    with pytest.raises(ArgumentError, match=hint):
        simulated_device(f"{POINTS}&{query}")


def test_a_recording_takes_the_faults_of_a_device_but_no_dead_elements(tmp_path: Path) -> None:
    from usdk.io import save_recording

    with SimulatedFrontEnd.open(POINTS) as front_end:
        front_end.configure(plane_waves(prf_hz=100.0), depth_m=10e-3)
        made = front_end.read(3)
    path = tmp_path / "made.usrec"
    save_recording(path, made)
    with SimulatedFrontEnd.open(f"{path}?drift_ppm=1000") as front_end:
        front_end.configure()
        again = front_end.read(3)
    assert again.device_timestamps_s == pytest.approx(1.001 * made.device_timestamps_s, abs=1e-9)
    with pytest.raises(ArgumentError, match="dead does not fit"):
        SimulatedFrontEnd.open(f"{path}?dead=3")
