"""Record channel data, then beamform them again with other settings, without the probe."""

import usdk

with usdk.open_front_end("sim:linear-l11-5v?frames=4") as probe:
    probe.configure(usdk.plane_waves(angles_deg=(-10, 0, 10)), depth_m=30e-3)
    recorded = probe.read(4)
usdk.save_recording("scan.usrec", recorded, overwrite=True)

# A recording opens as a front-end; "sim:scan.usrec" would send it over the simulated USB bus.
with usdk.open_front_end("file:scan.usrec") as replay:
    replay.configure()
    acquisition = replay.read(4)
assert (acquisition.data == recorded.data).all()

scan = usdk.scan_for(acquisition.probe, depth_m=30e-3)
for f_number in (1.0, 2.0):
    make_frames = usdk.BMode(acquisition, scan=scan, f_number=f_number)
    frames = make_frames(acquisition)
    usdk.save_frames(f"f{f_number:g}.npz", frames, overwrite=True)
    print(f"F-number {f_number:g}: {len(frames)} frames of {frames[0].shape}")
