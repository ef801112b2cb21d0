"""The live loop: a picture that keeps up, a recording that loses nothing, and the accounts."""

import usdk
from usdk.io import Recorder

stream = usdk.Stream(
    "sim:linear-l11-5v?frames=4&faults=drop:0.02",
    sequence=usdk.plane_waves(angles_deg=(-10, 0, 10)),
    depth_m=30e-3,
    n_frames=24,
)
pictures = stream.to(
    usdk.Planned(usdk.BMode, persistence=0.3), name="b-mode", capacity=2, when_full="drop oldest"
)
outlet = pictures.outlet(name="display", capacity=2)

n_shown = 0
with Recorder("live.usrec", overwrite=True) as record:
    stream.to(record, name="record", capacity=64, when_full="stop")
    with stream:
        for _frame in outlet:  # a display would show it
            n_shown += 1

statistics = stream.statistics()
source = statistics.source
print(f"{record.n_frames} frames recorded, {'some' if n_shown else 'none'} shown")
print(
    f"sent {source.n_frames_sent} = received {source.n_frames_received} + lost "
    f"{source.n_frames_lost} + damaged {source.n_frames_damaged}: {source.adds_up}"
)
for branch in statistics.branches:
    print(
        f"{branch.name}: {branch.n_done} done, {branch.n_dropped} dropped, "
        f"{branch.latency.median_s * 1e3:.1f} ms from the wire (median)"
    )
