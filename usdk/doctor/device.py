"""One device, opened: who it is, how it feels, and how its clock runs beside the host's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from usdk.errors import EndOfRecordingError, UsdkError
from usdk.front_end import Finding, FrontEnd, HasSelfTest, Severity, self_test
from usdk.transmit import SingleElement, TransmitSequence

__all__ = ["clock_finding", "device_findings"]

LISTENING_S = 1.0
"""How long the device is read."""

DEPTH_M = 0.01
GREATEST_DRIFT = 0.01
"""Clocks that differ by more are worth a note; what is less drowns in the host's jitter."""

SELF_TEST_TIMEOUT_S = 8.0
"""How long a device's self-test may take."""

LEAST_TIME_S = 0.1
"""A clock is not judged by less."""

_GENTLE = TransmitSequence(transmits=(SingleElement(element=0),))


def device_findings(
    opener: Callable[[], FrontEnd], *, duration_s: float = LISTENING_S
) -> Iterator[Finding]:
    """Open a device, let its elements send for a moment, and tell what it says.

    Raises nothing of `usdk.errors`: what goes wrong is a finding.
    """
    try:
        with opener() as front_end:
            yield _identity(front_end)
            yield from _elements(front_end)
            if front_end.capabilities.sequence_is_fixed:
                front_end.configure()
            else:
                front_end.configure(_GENTLE, depth_m=DEPTH_M)
            device_s, host_s = _timestamps(front_end, duration_s)
            yield clock_finding(device_s, host_s)
            yield _health(front_end)
    except UsdkError as error:
        # A message of this tree says what to do.
        yield Finding(topic="device", severity=Severity.PROBLEM, message=str(error))


def clock_finding(device_s: NDArray[np.float64], host_s: NDArray[np.float64]) -> Finding:
    """Compare the times of frames on the device's clock and on the host's, both in s."""
    topic = "clock"
    if not device_s.size or np.isnan(device_s).any():
        message = "the device does not tell when its frames were made"
        return Finding(topic=topic, severity=Severity.NOTE, message=message)
    by_device_s, by_host_s = float(np.ptp(device_s)), float(np.ptp(host_s))
    if np.any(np.diff(device_s) < 0):
        return Finding(
            topic=topic,
            severity=Severity.PROBLEM,
            message="the device's clock goes back",
            advice="update the device's firmware",
        )
    if by_host_s < LEAST_TIME_S:
        message = "too few frames came to compare the device's clock with the host's"
        return Finding(topic=topic, severity=Severity.NOTE, message=message)
    message = (
        f"{device_s.size} frames took {by_device_s:.3f} s on the device's clock and "
        f"{by_host_s:.3f} s on the host's"
    )
    if abs(by_device_s / by_host_s - 1) <= GREATEST_DRIFT:
        return Finding(topic=topic, severity=Severity.OK, message=message)
    return Finding(
        topic=topic,
        severity=Severity.NOTE,
        message=message,
        advice="rates and velocities follow the device's clock; one that is simulated or replayed "
        "makes frames when it is asked, of any other ask its maker",
    )


def _identity(front_end: FrontEnd) -> Finding:
    info = front_end.info
    message = (
        f"{info.manufacturer} {info.model}, serial number {info.serial_number or 'unknown'}, "
        f"firmware {info.firmware_version or 'unknown'}, probe {front_end.probe.name}"
    )
    return Finding(topic="device", severity=Severity.OK, message=message)


def _elements(front_end: FrontEnd) -> Iterator[Finding]:
    """Let a device that can test its elements and cable do so; others say nothing."""
    if not (isinstance(front_end, HasSelfTest) and front_end.capabilities.has_self_test):
        return
    try:
        found = self_test(front_end, timeout_s=SELF_TEST_TIMEOUT_S)
    except UsdkError as error:
        yield Finding(topic="elements", severity=Severity.PROBLEM, message=str(error))
        return
    message = found.describe() + (f"; {found.cable_id}" if found.cable_id else "")
    if found.is_good:
        yield Finding(topic="elements", severity=Severity.OK, message=message)
        return
    yield Finding(
        topic="elements",
        severity=Severity.PROBLEM,
        message=message,
        advice="open: check the probe's plug and cable; short or weak: have the probe repaired. "
        "Elements are counted from 0",
    )


def _timestamps(
    front_end: FrontEnd, duration_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    device_s, host_s = [], []
    end_s = time.monotonic() + duration_s
    while time.monotonic() < end_s:
        try:
            device_s.append(front_end.read().device_timestamps_s)
        except EndOfRecordingError:
            break
        # Recordings bring the host's time of the day they were made.
        host_s.append(np.full(device_s[-1].shape, time.monotonic()))
    none = np.empty(0)
    return np.concatenate((none, *device_s)), np.concatenate((none, *host_s))


def _health(front_end: FrontEnd) -> Finding:
    status = front_end.status()
    told = [f"{status.n_frames_received} frames received, {status.n_frames_lost} lost"]
    if status.temperature_celsius is not None:
        told.append(f"{status.temperature_celsius:.1f} °C")
    told += [f"{name} {volts:.2f} V" for name, volts in status.voltages_v]
    if not status.n_frames_lost and not status.n_overruns:
        return Finding(topic="data", severity=Severity.OK, message=", ".join(told))
    told.append(
        f"packets lost {status.n_packets_lost}, damaged {status.n_packets_damaged}, dropped by the "
        f"device {status.n_overruns}"
    )
    return Finding(
        topic="data",
        severity=Severity.PROBLEM,
        message=", ".join(told),
        advice="dropped by the device: the host is too slow, close other programs; lost or "
        "damaged: try another cable and port",
    )
