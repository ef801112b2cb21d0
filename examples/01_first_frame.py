"""From a simulated probe to a signed DICOM file."""

import usdk

with usdk.open_front_end("sim:linear-l11-5v") as probe:
    probe.configure(usdk.plane_waves(angles_deg=(-10, 0, 10)), depth_m=40e-3)
    frame = usdk.bmode(probe.read())
frame.show()
frame.to_dicom("first.dcm", signer=usdk.dev_signer())
