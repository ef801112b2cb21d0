"""CPU time and memory of signing and verifying a native cine: ``python benchmarks/signatures``.

Each step runs in a process of its own, on a file that exists already; memory is the growth of the
peak resident set over that before the step, so imports do not count.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

STEPS = ("sign", "sign-frame-digests", "verify")


def write_cine(path: Path, n_megabytes: float) -> None:
    """Write noise of 640 x 480 RGB frames, with a digest for each."""
    import hashlib

    import numpy as np

    n_frames = max(1, round(n_megabytes * 1e6 / (640 * 480 * 3)))
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
    uid = generate_uid(prefix=None)
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(None), generate_uid(None)
    ds.NumberOfFrames, ds.Rows, ds.Columns = n_frames, 480, 640
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    pixels = np.random.default_rng(0).integers(0, 256, (n_frames, 480, 640, 3), dtype=np.uint8)
    digests = b"".join(hashlib.sha256(frame.data).digest() for frame in pixels)
    ds.private_block(0x5553, "USDK", create=True).add_new(2, "OB", digests)
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OW"
    ds.save_as(path, enforce_file_format=True)


def memory_kb(name: str) -> int:
    """Return a figure of this process, in KiB (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def step(name: str, path: Path) -> dict[str, float]:
    """Do one step in this process and return what it cost."""
    from usdk.dicom.decoded_frames import decoded_frames
    from usdk.trust import (
        dev_certificate_authority,
        dev_signer,
        sign_dicom,
        sign_frame_digests,
        verify_dicom,
    )

    signer = dev_signer()
    authority = dev_certificate_authority().certificate_der
    before_kb = memory_kb("VmRSS")
    # What getrusage calls the peak is the parent's, if that was higher; this one starts anew.
    Path("/proc/self/clear_refs").write_text("5")
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    if name == "verify":
        verify_dicom(path, trusted_certificates=[authority]).require_valid()
    elif name == "sign":
        sign_dicom(path, path, signer)
    else:
        sign_frame_digests(path, path, signer, frame_decoder=decoded_frames)
    return {
        "cpu_s": time.process_time() - cpu_s,
        "wall_s": time.perf_counter() - wall_s,
        "extra_memory_mb": (memory_kb("VmHWM") - before_kb) / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=110)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(step(arguments.step, arguments.file)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cine.dcm"
        write_cine(path, arguments.megabytes)
        n_megabytes = path.stat().st_size / 1e6
        print(f"{n_megabytes:.1f} MB native cine")
        for name in STEPS:
            command = [sys.executable, __file__, "--step", name, "--file", str(path)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            cost = json.loads(done.stdout)
            print(
                f"{name:<20} {cost['cpu_s']:.2f} s CPU, "
                f"{cost['cpu_s'] / n_megabytes * 100:.2f} s per 100 MB, "
                f"{cost['wall_s']:.2f} s elapsed, {cost['extra_memory_mb']:.1f} MB more memory"
            )


if __name__ == "__main__":
    main()
