from __future__ import annotations

import contextlib
import math
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.acquisition import GainCurve
from usdk.errors import ArgumentError, DataDamagedError
from usdk.probe import Probe
from usdk.transmit import PlaneWave, TransmitSequence
from usdk_drivers.wire import DataType, SequenceSettings


def settings_of(sequence: TransmitSequence, probe: Probe, **more: object) -> SequenceSettings:
    fields: dict[str, object] = {
        "configuration_id": 3,
        "sequence": sequence,
        "delays_s": sequence.delays_s(probe, 1540.0),
        "first_sample_s": tuple(1e-7 * k / 3 for k in range(len(sequence))),
        "sampling_frequency_hz": 20e6 / 3,
        "n_samples": 1000,
        "sound_speed_m_s": 1540.0,
        "demodulation_frequency_hz": 5e6 / 7,
        "data_type": DataType.COMPLEX64,
        "frame_rate_hz": 100 / 3,
    }
    return SequenceSettings(**(fields | more))  # type: ignore[arg-type]


def message(probe: Probe, every_wave: TransmitSequence) -> bytes:
    return settings_of(every_wave, probe).pack()


def test_every_number_comes_back_exactly(small_probe: Probe, every_wave: TransmitSequence) -> None:
    sent = settings_of(every_wave, small_probe)
    got = SequenceSettings.unpack(sent.pack())
    assert got.sequence == sent.sequence
    assert np.array_equal(got.delays_s, sent.delays_s, equal_nan=True)
    for name in set(sent.__dict__) - {"sequence", "delays_s"}:
        assert getattr(got, name) == getattr(sent, name), name


def test_what_is_left_to_the_device_comes_back_as_none(small_probe: Probe) -> None:
    sequence = TransmitSequence(transmits=(PlaneWave(),))
    sent = settings_of(sequence, small_probe, data_type=None, frame_rate_hz=math.nan)
    got = SequenceSettings.unpack(sent.pack())
    assert got.sequence == sequence
    assert got.data_type is None
    assert math.isnan(got.frame_rate_hz)


def test_gain_and_receive_apertures_come_back(
    small_probe: Probe, every_wave: TransmitSequence
) -> None:
    tgc = GainCurve(times_s=(0.0, 1e-5 / 3), gains_db=(0.1, 40.0))
    apertures = ((0, 2), (1, 4), (2, 3), (0, 4))
    sent = settings_of(every_wave, small_probe, tgc=tgc, apertures=apertures)
    got = SequenceSettings.unpack(sent.pack())
    assert (got.tgc, got.apertures) == (tgc, apertures)
    assert got.aperture(1) == (1, 4)
    assert got.largest_aperture == 4
    assert SequenceSettings.unpack(settings_of(every_wave, small_probe).pack()).aperture(1) == (
        0,
        4,
    )


@pytest.mark.parametrize("aperture", [(2, 2), (3, 1), (0, 5)])
def test_an_impossible_receive_aperture_is_refused(
    small_probe: Probe, every_wave: TransmitSequence, aperture: tuple[int, int]
) -> None:
    apertures = (aperture,) * len(every_wave)
    whole = settings_of(every_wave, small_probe, apertures=apertures).pack()
    with pytest.raises(DataDamagedError, match="aperture"):
        SequenceSettings.unpack(whole)


def test_a_gain_curve_whose_times_fall_is_refused(
    small_probe: Probe, every_wave: TransmitSequence
) -> None:
    tgc = GainCurve(times_s=(0.0, 1e-5), gains_db=(0.0, 40.0))
    whole = settings_of(every_wave, small_probe, tgc=tgc).pack()
    with pytest.raises(DataDamagedError, match="gain"):
        SequenceSettings.unpack(changed(whole, len(whole) - 16 - 16, "<d", -1.0))


def test_rows_must_fit_the_transmits(small_probe: Probe, every_wave: TransmitSequence) -> None:
    with pytest.raises(ArgumentError):
        settings_of(every_wave, small_probe, first_sample_s=(0.0,)).pack()


def test_a_silent_element_does_not_signal(small_probe: Probe, every_wave: TransmitSequence) -> None:
    whole = message(small_probe, every_wave)
    signalling = b"\x01\0\0\0\0\0\xf0\x7f"
    spoilt = changed(whole, len(whole) - 16 - 8, "<8s", signalling)
    found = SequenceSettings.unpack(spoilt).delays_s
    assert np.isnan(found[-1, -1])
    with np.errstate(invalid="raise"):
        assert np.isnan(found - found).any()


def changed(whole: bytes, offset: int, layout: str, value: float | bytes) -> bytes:
    """Return a message with a field of its body changed and its checksum right again."""
    spoilt = bytearray(whole)
    struct.pack_into(layout, spoilt, 16 + offset, value)
    struct.pack_into("<I", spoilt, 12, zlib.crc32(spoilt[16:]))
    return bytes(spoilt)


@pytest.mark.parametrize(
    ("offset", "layout", "value"),
    [
        (4, "<I", 0),
        (4, "<I", 2**32 - 1),
        (8, "<I", 2**31),
        (12, "<I", 0),
        (16, "<d", -1.0),
        (24, "<d", math.nan),
        (32, "<d", math.inf),
        (40, "<d", 0.0),
        (48, "<d", -1.0),
        (40, "<d", 1e200),
        (56, "<d", math.nan),
        (56, "<d", 99.0),
        (56, "<d", 1e200),
        (72, "<d", 0.0),
        (72, "<d", math.inf),
        (80, "<B", 4),
        (84, "<I", 1025),
        (84, "<I", 1),
        (128, "<B", 9),
        (128 + 1, "<B", 2),
        (128 + 16, "<d", math.nan),
        (128 + 24, "<d", 2.0),
        (128 + 96 + 24, "<d", 1e200),
        (128 + 4 * 96, "<d", math.inf),
    ],
)
def test_an_impossible_field_is_refused(
    small_probe: Probe, every_wave: TransmitSequence, offset: int, layout: str, value: float
) -> None:
    with pytest.raises(DataDamagedError):
        SequenceSettings.unpack(changed(message(small_probe, every_wave), offset, layout, value))


def test_every_truncation_is_refused(small_probe: Probe, every_wave: TransmitSequence) -> None:
    whole = message(small_probe, every_wave)
    for n_bytes in range(len(whole)):
        with pytest.raises(DataDamagedError):
            SequenceSettings.unpack(whole[:n_bytes])


@given(body=st.binary(max_size=600))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    head = struct.pack("<4sHHII", b"USDM", 1, 2, len(body), zlib.crc32(body))
    with contextlib.suppress(DataDamagedError):
        SequenceSettings.unpack(head + body)
