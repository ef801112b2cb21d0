"""A cable that loses packets, and a probe that is unplugged: nothing is lost in silence."""

import usdk
from usdk.errors import DeviceAbsentError

with usdk.open_front_end("sim:linear-l11-5v?faults=drop:0.1,unplug@30") as probe:
    probe.configure(usdk.plane_waves(), depth_m=30e-3)
    n_frames, gaps = 0, []
    try:
        for acquisition in probe.stream(40):
            n_frames += 1
            gaps += acquisition.gaps
    except DeviceAbsentError as error:
        print("stopped:", error)

print(f"{n_frames} whole frames")
for gap in gaps:
    print(
        f"lost {gap.n_frames} frames from number {gap.first_sequence_number}: "
        f"{gap.n_packets_lost} packets did not come, {gap.n_packets_damaged} were damaged"
    )
