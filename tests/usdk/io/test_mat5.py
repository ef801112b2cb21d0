from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat, whosmat

from usdk.errors import DataDamagedError
from usdk.io.mat5 import list_variables, read_variable


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.int16).reshape(2, 3, 4),
        np.array([[1.5, np.nan, -np.inf]]),
        np.array([[1e-40, 3e38]], np.float32),
        np.array([[7]], np.uint8),
        np.array([[-(2**63), 2**63 - 1]]),
        np.zeros((0, 3)),
        np.arange(5.0)[None],
    ],
)
def test_numbers_are_read_as_scipy_reads_them(
    array: np.ndarray[Any, Any], compressed: bool, tmp_path: Path
) -> None:
    path = tmp_path / "a"
    with path.open("wb") as file:
        savemat(
            file, {"before": np.zeros((3, 2)), "x": array, "after": 1.0}, do_compression=compressed
        )
    found = read_variable(path, "x")
    assert isinstance(found.value, np.ndarray)
    assert found.value.dtype == array.dtype
    assert np.array_equal(found.value, array, equal_nan=array.dtype.kind == "f")
    assert found.shape == array.shape
    assert found.kind == array.dtype.name
    assert {v.name: v.shape for v in list_variables(path).values()} == {
        name: shape for name, shape, _ in whosmat(path)
    }


def test_a_struct_is_read_and_what_is_not_numbers_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("wb") as file:
        inner = {"fs": 5.0, "name": "probe", "nested": {"x": 1.0}, "cell": np.array([1], object)}
        savemat(file, {"param": inner})
    found = read_variable(path, "param").value
    assert isinstance(found, dict)
    assert {name: field.kind for name, field in found.items()} == {
        "fs": "float64",
        "name": "text",
        "nested": "struct",
        "cell": "cell",
    }
    assert isinstance(found["fs"].value, np.ndarray)
    assert found["fs"].value.item() == 5.0


@pytest.mark.parametrize("name", ["pymust/PWI_disk.mat", "pymust/bmode_PWI_disk.mat"])
def test_files_written_by_matlab_are_read_as_scipy_reads_them(
    name: str, data_file: Callable[[str], Path]
) -> None:
    path = data_file(name)
    expected = loadmat(path)
    for variable in list_variables(path).values():
        value = read_variable(path, variable.name).value
        right = expected[variable.name]
        if isinstance(value, dict):
            for field, found in value.items():
                assert np.array_equal(found.value, right[0, 0][field])
        else:
            assert value is not None
            assert value.dtype == right.dtype
            assert np.array_equal(value, right)


def test_complex_numbers_cells_and_structs_of_many_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("wb") as file:
        many = np.zeros((1, 2), [("a", object)])
        savemat(file, {"z": np.array([1j]), "c": np.array([1, "a"], object), "s": many})
    assert read_variable(path, "z").kind == "complex"
    assert read_variable(path, "z").value is None
    assert read_variable(path, "c").value is None
    with pytest.raises(DataDamagedError, match="one struct"):
        read_variable(path, "s")
    with pytest.raises(DataDamagedError, match="no variable q"):
        read_variable(path, "q")


def test_every_truncation_is_refused_or_shows_fewer_variables(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("wb") as file:
        savemat(file, {"x": np.arange(9.0), "y": {"a": 1.0, "b": np.arange(3)}})
    content = path.read_bytes()
    n_whole = 0
    for n_bytes in range(128, len(content)):
        path.write_bytes(content[:n_bytes])
        try:
            assert set(list_variables(path)) in ({"x"}, set())
            n_whole += 1
        except DataDamagedError:
            pass
    assert n_whole == 2
