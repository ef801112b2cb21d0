"""ExaminationSettings: what a sonographer expects to read beside the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from usdk.arguments import count, finite, positive
from usdk.dicom.pydicom_extra import Dataset, format_number_as_ds
from usdk.dicom.regions import CM_PER_M
from usdk.dicom.series import MAX_INTEGER_STRING, Code
from usdk.dicom.text import check_text, fit_text
from usdk.dicom.transducer_codes import APPLICATIONS
from usdk.errors import ArgumentError

__all__ = [
    "MAX_DEPTH_M",
    "MAX_HEART_RATE_BPM",
    "MAX_OUTPUT_INDEX",
    "TRANSDUCER_TYPES",
    "ExaminationSettings",
]

MAX_HEART_RATE_BPM = 1000
"""Above that of any animal that is examined."""
MAX_OUTPUT_INDEX = 100.0
"""Indices beyond are mistakes; from the clinical limits on, `check_dicom` warns."""
MAX_FOCUS_DEPTHS = 1024

MAX_DEPTH_M = 100.0
"""No ultrasound reaches as deep; what is deeper was given in another unit."""

TRANSDUCER_TYPES = (
    "SECTOR_PHASED",
    "SECTOR_MECH",
    "SECTOR_ANNULAR",
    "LINEAR",
    "CURVED LINEAR",
    "SINGLE CRYSTAL",
    "SPLIT XTAL CWD",
    "IV_PHASED",
    "IV_ROT XTAL",
    "IV_ROT MIRROR",
    "ENDOCAV_PA",
    "ENDOCAV_MECH",
    "ENDOCAV_CLA",
    "ENDOCAV_AA",
    "ENDOCAV_LINEAR",
    "VECTOR_PHASED",
)
"""Defined terms of Transducer Type (PS3.3 C.8.5.6.1.7)."""

_INDICES = {
    "mechanical_index": "MechanicalIndex",
    "bone_thermal_index": "BoneThermalIndex",
    "cranial_thermal_index": "CranialThermalIndex",
    "soft_tissue_thermal_index": "SoftTissueThermalIndex",
}
_MM_PER_M = 1e3


@dataclass(frozen=True, kw_only=True)
class ExaminationSettings:
    """Settings and output of the scanner; what is None or empty is unknown and not written.

    Parameters
    ----------
    heart_rate_bpm : int, optional
        HeartRate, 1 to `MAX_HEART_RATE_BPM`.
    mechanical_index : float, optional
        As displayed (IEC 62359), 0 to `MAX_OUTPUT_INDEX`.
    bone_thermal_index, cranial_thermal_index, soft_tissue_thermal_index : float, optional
        The same.
    depth_m : float, optional
        Depth of the scan field, m; that of the picture when absent.
    focus_depths_m : tuple of float
        Depths of the transmit foci, m.
    gain_db : float, optional
        Overall gain, dB. DICOM has no attribute of it: it leads ProcessingFunction.
    output_power : str
        What the device says of its transmit power, in the maker's words (OutputPower).
    transducer_type : str
        One of `TRANSDUCER_TYPES`, or empty.
    transducer_application : str
        Clinical use of the probe, ``"external"``, ``"transesophageal"`` and the others of
        `APPLICATIONS`, or empty; volumes alone tell it, and must.
    stage_name, stage_number, number_of_stages
        Stage of a protocol, such as of a stress echo; numbers from 1.
    view_name, view_number, number_of_views_in_stage
        View within the stage.
    stage, view : Code, optional
        The same as codes, of PS3.16 CID 12002 and CID 12226 or another; a volume needs the view.

    Raises
    ------
    ArgumentError
        A value is out of range.
    """

    heart_rate_bpm: int | None = None
    mechanical_index: float | None = None
    bone_thermal_index: float | None = None
    cranial_thermal_index: float | None = None
    soft_tissue_thermal_index: float | None = None
    depth_m: float | None = None
    focus_depths_m: tuple[float, ...] = ()
    gain_db: float | None = None
    output_power: str = ""
    transducer_type: str = ""
    transducer_application: str = ""
    stage_name: str = ""
    stage_number: int | None = None
    number_of_stages: int | None = None
    view_name: str = ""
    view_number: int | None = None
    number_of_views_in_stage: int | None = None
    stage: Code | None = None
    view: Code | None = None

    def __post_init__(self) -> None:
        checks: dict[str, Any] = {
            "heart_rate_bpm": lambda v, n: count(v, n, most=MAX_HEART_RATE_BPM),
            "depth_m": _depth,
            "gain_db": finite,
            **dict.fromkeys(_INDICES, _index),
        }
        for name in ("stage_number", "number_of_stages", "view_number", "number_of_views_in_stage"):
            checks[name] = lambda v, n: count(v, n, most=MAX_INTEGER_STRING)
        for name, check in checks.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, check(value, name))
        try:
            depths_m = tuple(_depth(depth, "focus_depths_m") for depth in self.focus_depths_m)
        except TypeError:
            raise ArgumentError("focus_depths_m must be a tuple of depths, m") from None
        if len(depths_m) > MAX_FOCUS_DEPTHS:
            raise ArgumentError(f"focus_depths_m has more than {MAX_FOCUS_DEPTHS} depths")
        object.__setattr__(self, "focus_depths_m", depths_m)
        check_text(self.output_power, "SH", "OutputPower")
        check_text(self.stage_name, "SH", "StageName")
        check_text(self.view_name, "SH", "ViewName")
        if self.transducer_type not in ("", *TRANSDUCER_TYPES):
            raise ArgumentError(
                f"transducer_type must be empty or one of {', '.join(TRANSDUCER_TYPES)}"
            )
        if self.transducer_application not in ("", *APPLICATIONS):
            raise ArgumentError(
                f"transducer_application must be empty or one of {', '.join(APPLICATIONS)}"
            )
        for name in ("stage", "view"):
            if not isinstance(getattr(self, name), Code | None):
                raise ArgumentError(f"{name} must be a usdk.dicom.Code or None")
        _in_order(self.stage_number, self.number_of_stages, "stage")
        _in_order(self.view_number, self.number_of_views_in_stage, "view")

    @classmethod
    def from_dataset(cls, dataset: Dataset) -> ExaminationSettings:
        """Return what an object tells of its settings; what is out of range counts as unknown."""
        known: dict[str, Any] = {}
        for name, (keyword, scale) in _READ.items():
            value = _read_number(dataset, keyword)
            if value is None:
                continue
            try:
                one: Any = {name: value * scale}
                known[name] = getattr(cls(**one), name)
            except ArgumentError:
                continue
        depths_m = [depth / _MM_PER_M for depth in _read_numbers(dataset, "DepthsOfFocus")]
        depths_m = depths_m or [d / CM_PER_M for d in _read_numbers(dataset, "FocusDepth")]
        if len(depths_m) <= MAX_FOCUS_DEPTHS and all(0 < d <= MAX_DEPTH_M for d in depths_m):
            known["focus_depths_m"] = tuple(depths_m)
        return cls(**known)

    def add_to(self, dataset: Dataset) -> None:
        """Write the attributes of the US Image module that settings fill (PS3.3 C.8.5.6)."""
        self.add_output_to(dataset)
        if self.heart_rate_bpm is not None:
            dataset.HeartRate = self.heart_rate_bpm
        if len(self.focus_depths_m) == 1:
            # In cm, where Depth(s) of Focus are mm (PS3.3 C.8.5.6, C.8.24.3).
            dataset.FocusDepth = format_number_as_ds(self.focus_depths_m[0] * CM_PER_M)
        elif self.focus_depths_m:
            self.add_focus_to(dataset)
        if self.output_power:
            dataset.OutputPower = self.output_power
        if self.transducer_type:
            dataset.TransducerType = self.transducer_type
        if self.stage is not None:
            dataset.StageCodeSequence = [self.stage.to_dataset()]
        self._add_protocol(dataset)

    def add_output_to(self, dataset: Dataset) -> None:
        """Write what pictures and volumes share: indices of output, depth, gain and view."""
        for name, keyword in _INDICES.items():
            value = getattr(self, name)
            if value is not None:
                setattr(dataset, keyword, format_number_as_ds(value))
        if self.depth_m is not None:
            dataset.DepthOfScanField = max(1, round(self.depth_m * _MM_PER_M))
        if self.gain_db is not None:
            told = str(dataset.get("ProcessingFunction", ""))
            whole = "; ".join(filter(None, (f"gain={self.gain_db:g} dB", told)))
            dataset.ProcessingFunction = fit_text(whole, "LO")
        if self.view is not None:
            dataset.ViewCodeSequence = [self.view.to_dataset()]

    def add_focus_to(self, dataset: Dataset) -> None:
        """Write Depth(s) of Focus, mm, which an Enhanced US Volume must have."""
        dataset.DepthsOfFocus = [depth * _MM_PER_M for depth in self.focus_depths_m]

    def _add_protocol(self, dataset: Dataset) -> None:
        # NumberOfStages and NumberOfViewsInStage are needed where their stage or view is told.
        if self.stage_name:
            dataset.StageName = self.stage_name
        if self.stage_number is not None:
            dataset.StageNumber = self.stage_number
        if self.stage_name or self.stage_number is not None or self.number_of_stages is not None:
            dataset.NumberOfStages = self.number_of_stages
        if self.view_name:
            dataset.ViewName = self.view_name
        if self.view_number is not None:
            dataset.ViewNumber = self.view_number
        n_views = self.number_of_views_in_stage
        if self.view_name or self.view_number is not None or n_views is not None:
            dataset.NumberOfViewsInStage = n_views


_READ = {
    "heart_rate_bpm": ("HeartRate", 1),
    "depth_m": ("DepthOfScanField", 1 / _MM_PER_M),
    **{name: (keyword, 1) for name, keyword in _INDICES.items()},
}


def _depth(value: Any, name: str) -> float:
    depth_m = positive(value, name)
    if depth_m > MAX_DEPTH_M:
        raise ArgumentError(f"{name} must be at most {MAX_DEPTH_M:g} m, got {depth_m:g}")
    return depth_m


def _index(value: Any, name: str) -> float:
    index = finite(value, name)
    if not 0 <= index <= MAX_OUTPUT_INDEX:
        raise ArgumentError(f"{name} must be 0 to {MAX_OUTPUT_INDEX:g}, got {index:g}")
    return index


def _in_order(number: int | None, total: int | None, what: str) -> None:
    if number is not None and total is not None and number > total:
        raise ArgumentError(f"the number of the {what} is greater than the number of {what}s")


def _read_number(dataset: Dataset, keyword: str) -> float | None:
    numbers = _read_numbers(dataset, keyword)
    return numbers[0] if len(numbers) == 1 else None


def _read_numbers(dataset: Dataset, keyword: str) -> list[float]:
    try:
        value = dataset.get(keyword)
        if value is None or value == "":
            return []
        is_many = hasattr(value, "__iter__") and not isinstance(value, str)
        return [float(number) for number in (value if is_many else [value])]
    # Reading converts what a stranger wrote, and the parser's errors are of every kind.
    except Exception:
        return []
