"""Every kind of object in every codec, written and signed as a user would, and who signed it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from numpy.typing import NDArray
from pydicom import Dataset

from usdk.dicom import enhanced_us_volume, us_image, us_multiframe
from usdk.export import write_object
from usdk.trust import RsaSigner, Signer
from usdk.trust.development_certificates import issue_development_certificates


@dataclass(frozen=True)
class Identity:
    """A signer, and the file of the authority that vouches for it."""

    signer: Signer
    authority_pem: Path


@dataclass(frozen=True)
class Written:
    """A signed object and the pixels that it must decode to; indices, of a palette."""

    path: Path
    dataset: Dataset
    frames: list[NDArray[Any]]


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    authority, certificate, key = issue_development_certificates()
    path = tmp_path_factory.mktemp("identity") / "authority.pem"
    path.write_bytes(authority.public_bytes(Encoding.PEM))
    return Identity(RsaSigner(key, certificate), path)


@pytest.fixture
def write(request: pytest.FixtureRequest, identity: Identity, tmp_path: Path) -> Callable[..., Any]:
    """Return a writer of one kind of object in one codec."""

    def one(kind: str, codec: str) -> Written:
        if codec in ("jpeg-2000", "htj2k"):
            pytest.importorskip("imagecodecs")
        dataset = _object(request.getfixturevalue, kind, codec)
        native = _object(request.getfixturevalue, kind, "native")
        path = write_object(tmp_path / f"{kind} {codec}.dcm", dataset, signer=identity.signer)
        return Written(path, dataset, list(_frames(native)))

    return one


def _frames(native: Dataset) -> Iterator[NDArray[Any]]:
    """Cut native pixels by hand: what a library makes of them is what is to be tested."""
    dtype = np.dtype("<u2" if native.BitsAllocated == 16 else "u1")
    shape = (native.Rows, native.Columns)
    if native.SamplesPerPixel == 3:
        shape = (*shape, 3)
    n_frames = int(native.get("NumberOfFrames", 1))
    n = int(np.prod(shape))
    samples = np.frombuffer(native.PixelData, dtype)
    for index in range(n_frames):
        yield samples[index * n : (index + 1) * n].reshape(shape)


def _object(get: Callable[[str], Any], kind: str, codec: str) -> Dataset:
    study = get("study")
    if kind == "volume":
        return enhanced_us_volume(
            get("make_volume")(), study=get("heart"), settings=get("settings"), codec=codec
        )
    if kind == "cine of volumes":
        volumes = [get("make_volume")(index) for index in range(2)]
        return enhanced_us_volume(
            volumes, study=get("heart"), settings=get("settings"), codec=codec
        )
    if kind == "grey cine":
        return us_multiframe(get("cine")[:3], study=study, codec=codec)
    colour = "palette" if kind.startswith("palette") else "rgb"
    if kind in ("colour cine", "palette cine"):
        first = get("in_colour")
        frames = [
            dataclasses.replace(
                first,
                pixels=np.roll(first.pixels, 4 * index, axis=1),
                device_timestamp_s=first.device_timestamp_s + index / 30,
                sequence_number=index,
            )
            for index in range(3)
        ]
        return us_multiframe(frames, study=study, codec=codec, colour=colour)
    fixture = {
        "grey still": "frame",
        "colour still": "in_colour",
        "palette still": "in_colour",
        "spectrum": "spectral",
        "m-mode": "m_mode",
        "composed": "composed",
    }[kind]
    return us_image(get(fixture), study=study, codec=codec, colour=colour, settings=get("settings"))


@pytest.fixture
def gdcm_pixels() -> Callable[..., list[NDArray[Any]]]:
    """Return a decoder by GDCM of every frame of a file."""
    gdcm = pytest.importorskip("gdcm")

    def decode(path: Path, written: Written) -> list[NDArray[Any]]:
        reader = gdcm.ImageReader()
        reader.SetFileName(str(path))
        assert reader.Read()
        image = reader.GetImage()
        first = written.frames[0]
        data = image.GetBuffer().encode("utf-8", "surrogateescape")
        samples = np.frombuffer(data, first.dtype)
        return list(samples.reshape(-1, *first.shape))

    return decode
