from __future__ import annotations

import errno
import resource
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from pydicom import dcmread

from usdk.dicom import Patient, read_frames, read_summary, us_multiframe
from usdk.dicom.codecs import CODECS
from usdk.dicom.decoded_frames import decoded_frames
from usdk.errors import (
    ArgumentError,
    DataDamagedError,
    NotTrustedError,
    StorageError,
)
from usdk.export import finish, write, write_dicom
from usdk.scan import Raster
from usdk.trust import RsaSigner, verify_dicom
from usdk.trust.development_certificates import issue_development_certificates


@pytest.fixture(scope="module")
def identity():
    """An authority's certificate, a signing certificate and its key."""
    return issue_development_certificates()


@pytest.fixture(scope="module")
def signer(identity):
    _, certificate, key = identity
    return RsaSigner(key, certificate)


@pytest.fixture
def authority_pem(identity, tmp_path_factory):
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    path.write_bytes(identity[0].public_bytes(Encoding.PEM))
    return path


@pytest.mark.parametrize("codec", ["native", "jpeg-ls", "jpeg-2000", "rle"])
@pytest.mark.parametrize("n_frames", [1, 5])
def test_a_signed_object_is_conformant_and_accepted_by_dcmtk(
    cine, study, signer, authority_pem, codec, n_frames, tmp_path, require_conformant, dcmtk
):
    path = write_dicom(tmp_path / "x.dcm", cine[:n_frames], signer=signer, study=study, codec=codec)
    require_conformant(path)
    assert dcmtk("dcmsign", "+cf", authority_pem, "+rc", path).returncode == 0
    assert verify_dicom(path, trusted_certificates=[authority_pem]).is_valid
    summary = read_summary(path)
    assert summary.n_signatures == 1
    assert summary.findings == ()
    for before, after in zip(cine, read_frames(path), strict=False):
        assert np.array_equal(after.pixels, before.pixels)


@pytest.mark.parametrize("codec", CODECS)
def test_a_second_signature_over_the_frames_outlasts_transcoding(
    cine, study, signer, authority_pem, codec, tmp_path, dcmtk, require_conformant
):
    path, out = tmp_path / "x.dcm", tmp_path / "out.dcm"
    write_dicom(path, cine, signer=signer, sign_frames=True, study=study, codec=codec)
    if codec != "htj2k":  # dciodvfy does not know it.
        require_conformant(path)
    report = verify_dicom(path, trusted_certificates=[authority_pem])
    assert report.problems == ()
    assert [s.is_valid for s in report.signatures] == [True, True]
    if codec not in ("native", "jpeg-ls"):
        return  # No tool of DCMTK takes these to another codec.
    tool = "dcmcrle" if codec == "native" else "dcmdjpls"
    assert dcmtk(tool, path, out).returncode == 0
    stored = verify_dicom(out, trusted_certificates=[authority_pem], frame_decoder=decoded_frames)
    assert stored.problems == ()
    assert (stored.pixels, stored.n_frames) == ("TRANSCODED", len(cine))


def test_a_changed_byte_breaks_the_signature(frame, study, signer, authority_pem, tmp_path, dcmtk):
    path = write_dicom(tmp_path / "x.dcm", [frame], signer=signer, study=study)
    content = path.read_bytes()
    for old, new in ((b"SN-0042", b"SN-0043"), (b'"L11-5v"', b'"L11-5w"')):
        assert old in content
        path.write_bytes(content.replace(old, new))
        assert dcmtk("dcmsign", "+cf", authority_pem, "+rc", path).returncode != 0
        assert not verify_dicom(path, trusted_certificates=[authority_pem]).is_valid


def test_without_a_study_the_object_is_a_demonstration(frame, tmp_path):
    path = write_dicom(tmp_path / "x.dcm", [frame], signer=None)
    assert str(dcmread(path).PatientName) == "DEMONSTRATION^NOT A PATIENT"


def test_a_frame_writes_itself(frame, study, tmp_path):
    path = frame.to_dicom(tmp_path / "x.dcm", signer=None, study=study)
    assert dcmread(path).PatientID == "病历-7"
    assert read_summary(path).n_signatures == 0


@pytest.mark.parametrize("frames", [[], (), "frame", [None]])
def test_no_frames_are_refused(frames, tmp_path):
    with pytest.raises(ArgumentError, match="Frame"):
        write_dicom(tmp_path / "x.dcm", frames, signer=None)
    assert list(tmp_path.iterdir()) == []


def test_a_frame_that_is_no_sequence_is_refused_with_the_remedy(frame, tmp_path):
    with pytest.raises(ArgumentError, match=r"\[frame\]"):
        write_dicom(tmp_path / "x.dcm", frame, signer=None)


def test_a_patient_is_no_study(frame, tmp_path):
    with pytest.raises(ArgumentError, match="Study"):
        write_dicom(tmp_path / "x.dcm", [frame], signer=None, study=Patient())


def test_an_object_that_would_mislead_is_not_written(frame, study, tmp_path, monkeypatch):
    right = write.us_image

    def wrong(*arguments, **options):
        dataset = right(*arguments, **options)
        dataset.SequenceOfUltrasoundRegions[0].PhysicalDeltaY = -0.02
        return dataset

    monkeypatch.setattr(write, "us_image", wrong)
    with pytest.raises(ArgumentError, match="PhysicalDeltaY is negative"):
        write_dicom(tmp_path / "x.dcm", [frame], signer=None, study=study)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_replaced_as_a_whole(frame, study, tmp_path):
    path = tmp_path / "x.dcm"
    path.write_bytes(b"old")
    write_dicom(path, [frame], signer=None, study=study)
    assert read_frames(path)[0].shape == frame.shape
    assert list(tmp_path.iterdir()) == [path]


def fails_with(error):
    def fail(*_arguments, **_options):
        raise error

    return fail


@pytest.mark.parametrize(
    ("step", "raised", "expected"),
    [
        ((finish, "sign_dicom"), NotTrustedError("no"), NotTrustedError),
        ((finish, "verify_dicom"), DataDamagedError("no"), DataDamagedError),
        ((finish, "require_sound"), ArgumentError("no"), ArgumentError),
        ((write, "require_same_pixels"), DataDamagedError("no"), DataDamagedError),
        ((finish, "sign_dicom"), OSError(errno.ENOSPC, "No space left on device"), StorageError),
    ],
)
def test_a_failure_at_any_step_leaves_what_was_there(
    frame, study, signer, tmp_path, monkeypatch, step, raised, expected
):
    path = tmp_path / "x.dcm"
    path.write_bytes(b"old")
    monkeypatch.setattr(*step, fails_with(raised))
    with pytest.raises(expected):
        write_dicom(path, [frame], signer=signer, study=study)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_object_without_a_valid_signature_is_not_kept(
    frame, study, signer, tmp_path, monkeypatch
):
    monkeypatch.setattr(finish, "sign_dicom", lambda *_: "2.25.1")
    with pytest.raises(NotTrustedError, match="not signed"):
        write_dicom(tmp_path / "x.dcm", [frame], signer=signer, study=study)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("codec", list(CODECS))
def test_pixels_that_change_on_their_way_to_the_disk_are_noticed(
    cine, study, codec, tmp_path, monkeypatch
):
    right = write.finish_object

    def damage(path, *arguments, **options):
        right(path, *arguments, **options)
        content = bytearray(path.read_bytes())
        content[-100] ^= 0x5A
        path.write_bytes(content)

    monkeypatch.setattr(write, "finish_object", damage)
    with pytest.raises(DataDamagedError, match="frame 5"):
        write_dicom(tmp_path / "x.dcm", cine, signer=None, study=study, codec=codec)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("codec", ["native", "jpeg-ls"])
def test_frames_that_vanish_on_their_way_to_the_disk_are_noticed(
    cine, study, codec, tmp_path, monkeypatch
):
    one_fewer = write_dicom(tmp_path / "4.dcm", cine[:4], signer=None, study=study, codec=codec)
    monkeypatch.setattr(
        write, "finish_object", lambda path, *_, **__: path.write_bytes(one_fewer.read_bytes())
    )
    with pytest.raises(DataDamagedError, match="other frames"):
        write_dicom(tmp_path / "x.dcm", cine, signer=None, study=study, codec=codec)


def test_frames_may_come_one_by_one_and_progress_is_told(make_frame, study, tmp_path):
    told = []
    frames = (make_frame(index) for index in range(7))
    path = write_dicom(
        tmp_path / "x.dcm", frames, signer=None, study=study, codec="rle", progress=told.append
    )
    assert told == [1, 2, 3, 4, 5, 6, 7]
    for index, frame in enumerate(read_frames(path)):
        assert np.array_equal(frame.pixels, make_frame(index).pixels)
        assert frame.provenance == make_frame(index).provenance


def test_a_stream_that_breaks_leaves_nothing(make_frame, study, tmp_path):
    def broken():
        yield make_frame(0)
        yield make_frame(1)
        raise DataDamagedError("the recording ends here")

    with pytest.raises(DataDamagedError, match="ends here"):
        write_dicom(tmp_path / "x.dcm", broken(), signer=None, study=study)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("codec", list(CODECS))
@pytest.mark.parametrize("is_colour", [False, True])
def test_a_streamed_object_is_the_one_that_is_made_in_memory(
    make_frame, study, codec, is_colour, tmp_path
):
    frames = [make_frame(index) for index in range(3)]
    if is_colour:
        frames = [
            replace(f, pixels=np.stack([f.pixels] * 2 + [255 - f.pixels], -1)) for f in frames
        ]
    path = write_dicom(tmp_path / "x.dcm", frames, signer=None, study=study, codec=codec)
    streamed, made = dcmread(path), us_multiframe(frames, study=study, codec=codec)
    for new_each_time in ("SOPInstanceUID", "InstanceCreationTime", "InstanceCreationDate"):
        del streamed[new_each_time], made[new_each_time]
    assert streamed.file_meta.TransferSyntaxUID == made.file_meta.TransferSyntaxUID
    assert streamed == made


MEMORY = textwrap.dedent("""
    import resource, sys
    import numpy as np
    from usdk.export import write_dicom
    from usdk.frame import Frame, Provenance
    from usdk.scan import Raster

    raster = Raster(x_m=0.0, z_m=0.0, pixel_size_m=1e-4, n_rows=480, n_columns=640)

    def frames(n):
        noise = np.random.default_rng(0).integers(0, 256, (481, 640, 3), np.uint8)
        for index in range(n):
            provenance = Provenance(
                probe="p", sequence="s", transmit_frequency_hz=5e6, sound_speed_m_s=1540.0
            )
            yield Frame(
                pixels=np.roll(noise, index, axis=0)[:480], raster=raster, dynamic_range_db=60.0,
                provenance=provenance, device_timestamp_s=index / 30,
            )

    def peak_mb():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    write_dicom(sys.argv[1], frames(30), signer=None)
    before = peak_mb()
    write_dicom(sys.argv[1], frames(150), signer=None)
    print(peak_mb() - before)
""")


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
def test_memory_does_not_grow_with_the_cine(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path / "x.dcm")],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    # 120 frames more, of 0.9 MB each.
    assert float(run.stdout) < 20


@pytest.mark.parametrize("name", ["absent/x.dcm", "file/x.dcm", "."])
def test_a_place_that_cannot_be_written_is_the_administrators(frame, study, tmp_path, name):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        write_dicom(tmp_path / name, [frame], signer=None, study=study)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


FULL_DISK = textwrap.dedent("""
    import math, resource, sys
    import numpy as np
    from usdk.errors import StorageError
    from usdk.export import write_dicom
    from usdk.frame import Frame, Provenance
    from usdk.scan import Raster

    raster = Raster(x_m=0.0, z_m=0.0, pixel_size_m=1e-4, n_rows=512, n_columns=512)
    provenance = Provenance(
        probe="p", sequence="s", transmit_frequency_hz=5e6, sound_speed_m_s=1540.0
    )
    frame = Frame(
        pixels=np.zeros((512, 512), np.uint8), raster=raster, dynamic_range_db=60.0,
        provenance=provenance,
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        write_dicom(sys.argv[1], [frame], signer=None)
    except StorageError as error:
        print("StorageError:", error)
""")


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on the size of files")
def test_a_full_disk_leaves_no_part_of_a_file(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "x.dcm")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stdout.startswith("StorageError:")
    assert list(tmp_path.iterdir()) == []


def test_mixed_frames_are_refused(make_frame, study, tmp_path):
    small = Raster(x_m=0.0, z_m=0.0, pixel_size_m=1e-4, n_rows=8, n_columns=8)
    frames = [make_frame(0), make_frame(1, raster=small)]
    with pytest.raises(ArgumentError, match="raster"):
        write_dicom(tmp_path / "x.dcm", frames, signer=None, study=study)
    assert list(tmp_path.iterdir()) == []
