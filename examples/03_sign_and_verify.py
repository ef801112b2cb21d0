"""Write a cine as signed DICOM, verify it, and see that one changed bit is noticed."""

from pathlib import Path

import usdk

with usdk.open_front_end("sim:linear-l11-5v?frames=4") as probe:
    probe.configure(usdk.plane_waves(), depth_m=30e-3)
    acquisition = probe.read(4)
frames = usdk.BMode(acquisition)(acquisition)

# A development key is made on first use and is not for patients; a product signs with
# usdk.FileSigner("key.pem", "certificate.pem").
usdk.write_dicom("cine.dcm", frames, signer=usdk.dev_signer(), codec="jpeg-ls")

authority = usdk.dev_certificate_authority().certificate_pem
report = usdk.verify_dicom("cine.dcm", trusted_certificates=[authority])
print("as it was signed:", report.is_valid)

changed = bytearray(Path("cine.dcm").read_bytes())
changed[len(changed) // 2] ^= 1
report = usdk.verify_dicom(bytes(changed), trusted_certificates=[authority])
print("with one bit changed:", report.is_valid, report.problems)
