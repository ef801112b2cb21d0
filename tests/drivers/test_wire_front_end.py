"""Gain, receive apertures, triggers, power, watchdog, self-test: on a simulated device."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    DeviceFrozenError,
    StateError,
    TriggerTimeoutError,
    UsdkError,
)
from usdk.front_end import (
    ElementCondition,
    FrontEnd,
    FrontEndState,
    FrozenReason,
    GainCurve,
    PowerState,
    ReceiveRequest,
    change_settings,
    open_front_end,
    power_state,
    self_test,
    set_power_state,
    settings_of,
    staged,
)
from usdk.transmit import PlaneWave, TransmitSequence
from usdk_drivers.simulator import SimulatedFrontEnd
from usdk_drivers.wire import DeviceState, ErrorCode, TriggerOutput

ADDRESS = "sim:phased-p4-2v?scene=points&noise_db=-inf"
WAVES = TransmitSequence(transmits=(PlaneWave(), PlaneWave(azimuth_rad=0.1)))
DEPTH = ReceiveRequest(depth_m=0.06)


def frame(front_end: FrontEnd, **receive: object) -> np.ndarray:
    front_end.configure(WAVES, replace(DEPTH, **receive))  # type: ignore[arg-type]
    data = front_end.read().data[0]
    front_end.stop()
    return data


def read_until_error(front_end: FrontEnd) -> UsdkError:
    for _ in range(100):
        try:
            front_end.read(timeout_s=5.0)
        except UsdkError as error:
            return error
    raise AssertionError("frames went on")


def test_gain_over_time_multiplies_samples_and_is_told_in_the_device_s_steps() -> None:
    with open_front_end(ADDRESS) as front_end:
        plain = frame(front_end).astype(float)
        curve = GainCurve(times_s=(0.0, 20.03e-6), gains_db=(-6.1, -2.1))
        gained = frame(front_end, tgc=curve)
        receive = front_end.configuration.receive
        assert receive.tgc == GainCurve(times_s=(0.0, 200 * 1e-7), gains_db=(-6.0, -2.0))
        expected = plain * receive.tgc.factors(receive.n_samples, receive.sampling_frequency_hz)
        # Both were rounded to whole numbers, one before and one after the gain.
        assert np.max(np.abs(gained - expected)) <= 1.0


def test_too_much_gain_clips() -> None:
    with open_front_end(ADDRESS) as front_end:
        gained = frame(front_end, tgc=GainCurve.constant(40.0))
        assert gained.max() == 2**15 - 1
        assert gained.min() == -(2**15)


def test_the_curve_of_the_settings_holds_until_it_is_put_back() -> None:
    with open_front_end(ADDRESS) as front_end:
        plain = frame(front_end)
        with staged(front_end, {"tgc.curve": GainCurve.constant(6.1)}) as now:
            assert now["tgc.curve"].value == GainCurve.constant(6.0)
            # What is configured follows at once, and says so.
            acquisition = front_end.read()
            assert acquisition.receive.tgc == GainCurve.constant(6.0)
            assert np.abs(acquisition.data).max() > 1.9 * np.abs(plain).max()
            front_end.stop()
            assert frame(front_end, tgc=GainCurve.constant(0.0)).max() == plain.max()
        assert np.array_equal(front_end.read().data[0], plain)
        front_end.stop()
        frame(front_end)
        assert front_end.configuration.receive.tgc is None


def test_what_exceeds_gain_or_channels_is_refused_before_a_byte_is_sent() -> None:
    front_end = SimulatedFrontEnd.open("phased-p4-2v?scene=points&n_channels=32")
    with front_end:
        front_end.configure(WAVES, DEPTH)
        sent: list[bytes] = []
        front_end._transport.upload = lambda data, deadline_s: sent.append(data)  # type: ignore
        for request, limit in (
            (replace(DEPTH, tgc=GainCurve.constant(41.0)), "tgc"),
            (replace(DEPTH, apertures=((0, 33),) * 2), "n_receive_channels"),
            (replace(DEPTH, apertures=((40, 65),) * 2), "has 64 elements"),
            (replace(DEPTH, apertures=((0, 32),)), "one"),
        ):
            with pytest.raises(ArgumentError, match=limit):
                front_end.configure(WAVES, request)
        with pytest.raises(ArgumentError, match="max_cycles"):
            front_end.configure(replace(WAVES, n_cycles=200.0), DEPTH)
        with pytest.raises(ArgumentError, match="max_duty_cycle"):
            front_end.configure(replace(WAVES, n_cycles=100.0, prf_hz=5000.0), DEPTH)
        with pytest.raises(ArgumentError, match="out of range"):
            change_settings(front_end, {"trigger.delay_s": 1.0})
        with pytest.raises(ArgumentError, match="out of range"):
            change_settings(front_end, {"tgc.curve": GainCurve.constant(-21.0)})
        assert sent == []


def test_fewer_channels_than_elements_receive_about_the_middle_of_what_fires() -> None:
    with open_front_end(ADDRESS) as full, open_front_end(ADDRESS + "&n_channels=16") as few:
        sequence = TransmitSequence(
            transmits=tuple(PlaneWave(aperture=(first, first + 8)) for first in (0, 20, 56))
        )
        full.configure(sequence, DEPTH)
        configuration = few.configure(sequence, DEPTH)
        assert configuration.receive.apertures == ((0, 16), (16, 32), (48, 64))
        acquisition = few.read()
        everything = full.read().data[0]
        for k, (first, stop) in enumerate(((0, 16), (16, 32), (48, 64))):
            expected = np.zeros_like(everything[k])
            expected[first:stop] = everything[k, first:stop]
            assert np.array_equal(acquisition.data[0, k], expected)
        assert acquisition.receive.apertures == configuration.receive.apertures


def test_losses_are_accounted_for_when_packets_differ_in_length() -> None:
    address = ADDRESS + "&n_channels=16&faults=drop:0.1,corrupt:0.1,truncate:0.05&seed=3"
    with open_front_end(address) as front_end:
        apertures = ((0, 16), (20, 23))
        front_end.configure(WAVES, replace(DEPTH, apertures=apertures))
        first = None
        for acquisition in front_end.stream(60):
            first = acquisition.data if first is None else first
            assert not acquisition.data[:, 1, :20].any()
            assert not acquisition.data[:, 1, 23:].any()
        status = front_end.status()
        assert status.n_frames_received == 60
        assert status.n_frames_lost > 10


def test_frozen_or_in_standby_it_does_not_start() -> None:
    with open_front_end(ADDRESS) as front_end:
        front_end.configure(WAVES, DEPTH)
        front_end.read()
        set_power_state(front_end, PowerState.FREEZE)
        with pytest.raises(StateError, match="freeze"):
            front_end.start()
        set_power_state(front_end, PowerState.STANDBY)
        with pytest.raises(StateError, match="standby"):
            self_test(front_end)
        assert dict(front_end.status().voltages_v)["HV+"] == 0
        assert power_state(front_end) is PowerState.STANDBY
        with staged(front_end, {"power.state": "active"}):
            front_end.read()
        assert power_state(front_end) is PowerState.STANDBY


@pytest.mark.parametrize("told", ["absent", "frozen", "ended"])
def test_what_comes_while_the_device_is_asked_why_it_is_silent_is_read(
    told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_front_end(ADDRESS) as front_end:
        front_end.configure(WAVES, DEPTH)
        front_end.start()
        transport, link = front_end._transport, front_end._link
        read, status = transport.read, link.status
        is_held = True

        def read_late(timeout_s: float) -> Any:
            return memoryview(b"") if is_held else read(timeout_s)

        def ask() -> Any:
            nonlocal is_held
            is_held = False
            if told == "absent":
                raise DeviceAbsentError("gone")
            state = DeviceState.FROZEN if told == "frozen" else DeviceState.ENDED
            return replace(status(), state=state, n_frames_made=1)

        monkeypatch.setattr(transport, "read", read_late)
        monkeypatch.setattr(link, "status", ask)
        assert front_end.read(timeout_s=5.0).sequence_numbers.tolist() == [0]


def test_a_silent_host_freezes_the_device_and_a_restart_thaws_it() -> None:
    with open_front_end(ADDRESS) as front_end:
        assert isinstance(front_end, SimulatedFrontEnd)
        front_end.configure(WAVES, DEPTH)
        change_settings(front_end, {"watchdog.timeout_s": 0.3})
        front_end.read()
        time.sleep(0.6)  # nobody reads, and the driver keeps the device quiet
        assert front_end.status().frozen == ""
        with front_end.silence():
            time.sleep(0.5)
        error = read_until_error(front_end)
        assert isinstance(error, DeviceFrozenError)
        assert "watchdog.timeout_s" in str(error)
        assert front_end.status().frozen == FrozenReason.HOST_SILENT
        front_end.stop()
        assert front_end.read().n_frames == 1
        assert front_end.status().frozen == ""


def test_an_overheated_device_freezes_and_says_why() -> None:
    with open_front_end(ADDRESS + "&faults=overheat@4") as front_end:
        front_end.configure(WAVES, DEPTH)
        error = read_until_error(front_end)
        assert isinstance(error, DeviceFrozenError)
        assert "too hot" in str(error)
        assert front_end.status().frozen == FrozenReason.OVER_TEMPERATURE
        front_end.stop()
        assert front_end.read().n_frames == 1


def test_the_keep_alive_ends_with_the_run() -> None:
    def n_threads() -> int:
        return sum(thread.name == "usdk keep-alive" for thread in threading.enumerate())

    before = n_threads()
    front_end = open_front_end(ADDRESS)
    front_end.configure(WAVES, DEPTH)
    front_end.read()
    assert n_threads() == before + 1
    front_end.stop()
    assert n_threads() == before
    front_end.read()
    front_end.close()
    assert n_threads() == before


def test_frames_come_by_external_triggers_and_their_times_tell_it() -> None:
    with open_front_end(ADDRESS + "&trigger_hz=100") as front_end:
        front_end.configure(WAVES, DEPTH)
        values = {"trigger.source": "external", "trigger.delay_s": 1.2345678901e-3}
        with staged(front_end, values) as now:
            assert now["trigger.delay_s"].value == 0.00123457
            times_s = front_end.read(4).device_timestamps_s
            assert np.allclose(times_s, 0.00123457 + np.arange(4) / 100, atol=1e-9, rtol=0)
            assert front_end.status().n_triggers >= 4
            front_end.stop()
            change_settings(front_end, {"trigger.starts": "transmit"})
            times_s = front_end.read(3).device_timestamps_s
            assert np.allclose(np.diff(times_s), 2 / 100)
        assert settings_of(front_end)["trigger.source"].value == "internal"
        assert settings_of(front_end)["trigger.delay_s"].value == 0
        assert front_end.read(3).n_frames == 3


def test_triggers_that_come_too_fast_are_missed_and_counted() -> None:
    with open_front_end(ADDRESS) as front_end:
        front_end.configure(replace(WAVES, prf_hz=100.0), DEPTH)  # 50 frames/s
        change_settings(front_end, {"trigger.source": "external", "generator.rate_hz": 120.0})
        times_s = front_end.read(3).device_timestamps_s
        assert np.allclose(np.diff(times_s), 3 / 120)
        status = front_end.status()
        assert status.n_triggers_missed >= status.n_triggers // 2


@pytest.mark.parametrize(("timeout_s", "match"), [(0.2, r"trigger\.timeout_s"), (0.0, "timeout_s")])
def test_a_trigger_that_does_not_come_is_an_error_of_its_own(timeout_s: float, match: str) -> None:
    with open_front_end(ADDRESS) as front_end:
        front_end.configure(WAVES, DEPTH)
        values = {"trigger.source": "external", "trigger.timeout_s": timeout_s}
        with staged(front_end, values), pytest.raises(TriggerTimeoutError, match=match):
            front_end.read(timeout_s=1.0)
        assert front_end.read().n_frames == 1


def test_pulses_at_each_transmit_must_have_the_time() -> None:
    with open_front_end(ADDRESS) as front_end:
        change_settings(front_end, {"trigger.output": "transmit", "trigger.output_width_s": 0.5e-3})
        with pytest.raises(ArgumentError, match=r"trigger\.output"):
            front_end.configure(replace(WAVES, prf_hz=2500.0), DEPTH)
        front_end.configure(replace(WAVES, prf_hz=1500.0), DEPTH)


def test_a_self_test_finds_what_is_wrong_with_the_elements() -> None:
    with open_front_end(ADDRESS + "&dead=3,17&n_dead=1&seed=5&shorted=5&weak=8,9") as front_end:
        front_end.configure(WAVES, DEPTH)
        found = self_test(front_end)
        assert {3, 17} < set(found.of(ElementCondition.OPEN))
        assert len(found.of(ElementCondition.OPEN)) == 3
        assert found.of(ElementCondition.SHORT) == (5,)
        assert found.of(ElementCondition.WEAK) == (8, 9)
        assert found.elements[3].impedance_ohm > 1e5
        assert found.elements[8].sensitivity_db == pytest.approx(-24.0, abs=0.1)
        assert found.cable_id == "P4-2v cable"
        assert not found.is_good
        # The same elements are silent in the data.
        silent = ~np.any(front_end.read().data, axis=(0, 1, 3))
        assert set(np.flatnonzero(silent)) == {*found.of(ElementCondition.OPEN), 5}
        with pytest.raises(StateError, match="running"):
            self_test(front_end)


def test_a_recording_has_none_of_it(tmp_path: object) -> None:
    with open_front_end(ADDRESS) as source:
        source.configure(WAVES, DEPTH)
        acquisition = source.read(3)
    with SimulatedFrontEnd.playing(acquisition) as front_end:
        with pytest.raises(ArgumentError, match="cannot test itself"):
            self_test(front_end)
        with pytest.raises(ArgumentError, match="no power states"):
            set_power_state(front_end, PowerState.FREEZE)
        assert power_state(front_end) is PowerState.ACTIVE
        with pytest.raises(DeviceFailedError, match="cannot test itself"):
            front_end.self_test(1.0)


def test_a_recording_keeps_its_gain_and_apertures() -> None:
    with open_front_end(ADDRESS + "&n_channels=16") as source:
        source.configure(WAVES, replace(DEPTH, tgc=GainCurve.constant(3.0)))
        acquisition = source.read(3)
    with SimulatedFrontEnd.playing(acquisition) as front_end:
        front_end.configure()
        played = front_end.read(3)
        assert played.receive == acquisition.receive
        assert np.array_equal(played.data, acquisition.data)
        front_end.stop()
        with pytest.raises(ArgumentError, match="its own gain"):
            front_end.configure(receive=replace(DEPTH, tgc=GainCurve.constant(4.0)))


PULSES = {"trigger.output": "transmit", "trigger.output_width_s": 0.5e-3}


def test_pulses_that_are_asked_for_after_the_sequence_must_have_the_time_too() -> None:
    with open_front_end(ADDRESS) as front_end:
        front_end.configure(replace(WAVES, prf_hz=2500.0), DEPTH)
        with pytest.raises(ArgumentError, match=r"trigger\.output"):
            change_settings(front_end, PULSES)
        assert settings_of(front_end)["trigger.output_width_s"].value == 0
        change_settings(front_end, {**PULSES, "trigger.output": "frame"})
        assert front_end.read().n_frames == 1


def test_pulses_must_have_the_time_where_the_device_chooses_the_prf() -> None:
    with open_front_end(ADDRESS) as front_end:
        change_settings(front_end, PULSES)
        with pytest.raises(ArgumentError, match="lower PRF"):
            front_end.configure(replace(WAVES, prf_hz=None), DEPTH)


def test_a_device_refuses_pulses_that_its_host_did_not_check() -> None:
    with open_front_end(ADDRESS) as front_end:
        assert isinstance(front_end, SimulatedFrontEnd)
        front_end.configure(replace(WAVES, prf_hz=2500.0), DEPTH)
        wanted = replace(front_end._device, output=TriggerOutput.TRANSMIT, output_width_s=0.5e-3)
        front_end._link.set_up(replace(wanted, settings_id=9))
        with pytest.raises(DeviceFailedError, match="run into each other"):
            front_end.start()


def test_without_a_prf_a_long_pulse_is_sent_as_often_as_it_may_be() -> None:
    with open_front_end(ADDRESS) as front_end:
        can = front_end.capabilities
        most = can.max_duty_cycle or pytest.fail("it declares one")
        long = replace(WAVES, n_cycles=60.0, prf_hz=None)
        configuration = front_end.configure(long, DEPTH)
        prf_hz = configuration.frame_rate_hz * len(long)
        pulse_s = long.n_cycles / front_end.probe.centre_frequency_hz
        assert prf_hz * pulse_s == pytest.approx(most)
        with pytest.raises(ArgumentError, match="max_duty_cycle"):
            front_end.configure(replace(long, prf_hz=1.01 * prf_hz), DEPTH)
        front_end.configure(replace(long, prf_hz=prf_hz), DEPTH)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"n_cycles": 60.0, "prf_hz": 5000.0}, "of the time"),
        ({"prf_hz": 9999.0}, "leave time for"),
        ({"n_cycles": 129.0}, "cycles"),
        ({"prf_hz": 10_001.0}, "PRF above"),
    ],
)
def test_a_device_refuses_what_its_host_did_not_check(change: dict[str, Any], match: str) -> None:
    with open_front_end(ADDRESS) as front_end:
        assert isinstance(front_end, SimulatedFrontEnd)
        deep = replace(DEPTH, depth_m=0.08)
        before = front_end.configure(replace(WAVES, prf_hz=None), deep)
        request = front_end._request or pytest.fail("it was uploaded")
        sequence = replace(request.sequence, **change)
        with pytest.raises(DeviceFailedError, match=match):
            front_end._link.configure(
                replace(request, sequence=sequence, configuration_id=request.configuration_id + 1)
            )
        # What was set before stays.
        assert front_end._link.settings().frame_rate_hz == before.frame_rate_hz


def test_a_device_that_sets_more_than_it_declares_is_not_started() -> None:
    with open_front_end(ADDRESS) as front_end:
        assert isinstance(front_end, SimulatedFrontEnd)
        front_end.configure(replace(WAVES, prf_hz=1000.0), DEPTH)
        configure = front_end._link.configure
        front_end._link.configure = lambda request: replace(  # type: ignore[method-assign]
            configure(request), frame_rate_hz=6000.0
        )
        with pytest.raises(DeviceFailedError, match="max_prf_hz"):
            front_end.configure(replace(WAVES, prf_hz=None), DEPTH)
        with pytest.raises(StateError, match="not configured"):
            front_end.start()


def test_a_device_that_is_still_hot_refuses_a_start_until_it_has_cooled_down() -> None:
    with open_front_end(ADDRESS + "&faults=overheat@1&cool_s=1e6") as front_end:
        assert isinstance(front_end, SimulatedFrontEnd)
        front_end.configure(WAVES, DEPTH)
        assert isinstance(read_until_error(front_end), DeviceFrozenError)
        front_end.stop()
        with pytest.raises(DeviceFrozenError, match=r"still 60 °C: let it cool"):
            front_end.start()
        assert front_end._link._error().code is ErrorCode.OVER_TEMPERATURE  # type: ignore[union-attr]
        assert front_end.state is FrontEndState.CONFIGURED
        # As after 0.6e6 s.
        front_end._firmware._cooling._froze_s -= 0.6e6
        assert front_end.status().temperature_celsius == pytest.approx(31.5 + 0.4 * 28.5, abs=0.1)
        front_end.start()
        assert front_end.state is FrontEndState.RUNNING


def test_triggers_above_the_inputs_rate_are_missed_and_counted() -> None:
    with open_front_end(ADDRESS) as front_end:
        front_end.configure(replace(WAVES, prf_hz=8000.0), replace(DEPTH, depth_m=0.02))
        assert front_end.capabilities.trigger.max_rate_hz == 10_000
        values = {"trigger.source": "external", "generator.rate_hz": 1e6}
        change_settings(front_end, values)
        times_s = front_end.read(4).device_timestamps_s
        assert np.diff(times_s).min() >= 2 / 8000 - 1e-9
        status = front_end.status()
        assert status.n_triggers_missed > 0.99 * status.n_triggers
