"""A geometry knows the data that belong to it."""

from __future__ import annotations

import numpy as np
import pytest

from usdk.acquisition import ReceiveSettings
from usdk.beamform.geometry import Geometry
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import plane_waves

PROBE = Probe.linear(
    "L", n_elements=16, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
SCAN = LinearScan(x_m=np.linspace(-2e-3, 2e-3, 9), z_m=np.linspace(4e-3, 12e-3, 21))


def geometry(*, is_iq: bool) -> Geometry:
    receive = ReceiveSettings(
        sampling_frequency_hz=20e6,
        n_samples=400,
        time_zero_s=(0.0, 0.0),
        demodulation_frequency_hz=5e6 if is_iq else 0.0,
    )
    return Geometry(PROBE, plane_waves([-5, 5]), receive, SCAN)


def test_it_says_shape_and_type_of_its_data() -> None:
    rf, iq = geometry(is_iq=False), geometry(is_iq=True)
    assert rf.data_shape == iq.data_shape == (2, 16, 400)
    assert (rf.dtype, iq.dtype) == (np.float32, np.complex64)
    assert (rf.is_iq, iq.is_iq) == (False, True)


def test_data_become_what_kernels_take_without_a_copy_where_they_are_it() -> None:
    rf = geometry(is_iq=False)
    taken = np.zeros(rf.data_shape, np.float32)
    assert rf.kernel_data(taken) is taken
    counts = np.ones(rf.data_shape, np.int16)
    counts.flags.writeable = False
    made = rf.kernel_data(counts)
    assert made.dtype == np.float32
    assert made.flags.carray
    assert made.all()


def test_data_of_the_other_kind_are_refused() -> None:
    with pytest.raises(ArgumentError, match="demodulate first"):
        geometry(is_iq=True).kernel_data(np.zeros((2, 16, 400), np.float32))
    with pytest.raises(ArgumentError, match="planned for RF"):
        geometry(is_iq=False).kernel_data(np.zeros((2, 16, 400), np.complex64))
