from __future__ import annotations

from functools import partial

import numpy as np

from usdk.doctor.device import clock_finding, device_findings
from usdk.errors import DeviceAbsentError
from usdk.front_end import FrontEnd, Severity, open_front_end

HOST_S = 100.0 + np.arange(50) * 0.02


def test_clocks_that_agree_within_a_hundredth_are_well() -> None:
    assert clock_finding(HOST_S * 1.009, HOST_S).severity is Severity.OK
    drifting = clock_finding(HOST_S * 1.011, HOST_S)
    assert drifting.severity is Severity.NOTE
    assert "0.991 s on the device's clock and 0.980 s on the host's" in drifting.message


def test_a_clock_that_goes_back_is_a_problem() -> None:
    times_s = HOST_S.copy()
    times_s[20:] -= 0.5
    assert clock_finding(times_s, HOST_S).severity is Severity.PROBLEM


def test_what_cannot_be_compared_is_said() -> None:
    for device_s, message in ((HOST_S * np.nan, "does not tell"), (HOST_S[:0], "does not tell")):
        assert message in clock_finding(device_s, HOST_S[: device_s.size]).message
    assert "too few" in clock_finding(HOST_S[:3], HOST_S[:3]).message


def test_a_device_is_opened_read_and_closed() -> None:
    opened: list[FrontEnd] = []

    def opener() -> FrontEnd:
        opened.append(open_front_end("sim:linear-l11-5v?scene=points&serial=SIM-9"))
        return opened[0]

    device, elements, clock, data = device_findings(opener, duration_s=0.05)
    assert elements.severity is Severity.OK
    assert "128 of 128 elements good" in elements.message
    assert "serial number SIM-9" in device.message
    assert clock.topic == "clock"
    assert data.severity is Severity.OK
    assert "0 lost" in data.message
    assert "°C" in data.message
    assert opened[0].state == "closed"


def test_elements_that_are_found_faulty_are_a_problem() -> None:
    address = "sim:linear-l11-5v?scene=points&dead=3&shorted=7&weak=100"
    opener = partial(open_front_end, address)
    (elements,) = (f for f in device_findings(opener, duration_s=0.05) if f.topic == "elements")
    assert elements.severity is Severity.PROBLEM
    assert "125 of 128 elements good; open: 3; short: 7; weak: 100" in elements.message
    assert "cable" in elements.advice


def test_losses_are_a_problem_with_their_causes() -> None:
    address = "sim:linear-l11-5v?scene=points&faults=drop:0.5"
    *_, data = device_findings(partial(open_front_end, address), duration_s=0.2)
    assert data.severity is Severity.PROBLEM
    assert "packets lost" in data.message
    assert "cable" in data.advice


def test_a_device_that_is_not_there_is_a_problem_in_its_own_words() -> None:
    def absent() -> FrontEnd:
        raise DeviceAbsentError("plug it in")

    (finding,) = device_findings(absent)
    assert (finding.severity, finding.message) == (Severity.PROBLEM, "plug it in")
