from __future__ import annotations

import numpy as np
import pytest

from usdk.errors import ArgumentError
from usdk_drivers.simulator import Disk


def test_points_move_by_the_velocity_at_the_place_where_they_are() -> None:
    disk = Disk(x_m=2e-3, angular_velocity_rad_s=40.0)
    radius_m, angle_rad = np.linspace(0.1e-3, 5.9e-3, 30), np.linspace(0, 6, 30)
    step_s = 1e-6
    turned_rad = 40.0 * step_s
    ahead_m = disk.point_m(radius_m, angle_rad + turned_rad)
    behind_m = disk.point_m(radius_m, angle_rad - turned_rad)
    velocity_m_s = disk.velocity_m_s(disk.point_m(radius_m, angle_rad))
    assert (ahead_m - behind_m) / (2 * step_s) == pytest.approx(velocity_m_s, abs=1e-8)


def test_the_velocity_towards_the_probe_falls_with_x_and_not_with_depth() -> None:
    disk = Disk(angular_velocity_rad_s=40.0)
    x_m, z_m = np.meshgrid(np.linspace(-4e-3, 4e-3, 9), np.linspace(16e-3, 24e-3, 9))
    points_m = np.stack((x_m, 0 * x_m, z_m), axis=-1)
    points_m = points_m[disk.holds(points_m)]
    assert disk.beam_velocity_m_s(points_m) == pytest.approx(-40.0 * points_m[:, 0])


def test_nothing_moves_outside() -> None:
    disk = Disk()
    assert not disk.velocity_m_s(np.array([[7e-3, 0, 20e-3], [0, 0, 27e-3]])).any()


@pytest.mark.parametrize("parameters", [{"radius_m": 0.0}, {"x_m": np.inf}, {"depth_m": -1.0}])
def test_what_no_disk_can_be_is_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(parameters))):
        Disk(**parameters)
