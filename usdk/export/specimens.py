"""Specimens: objects that know next to nothing, and objects that know everything."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import NamedTuple

import numpy as np

from usdk.acquisition import DeviceInfo, Gap
from usdk.dicom.composed import stack
from usdk.dicom.enhanced_us_volume import ENHANCED_US_VOLUME_STORAGE, enhanced_us_volume
from usdk.dicom.equipment import Equipment
from usdk.dicom.examination_settings import ExaminationSettings
from usdk.dicom.patient import Patient
from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.series import Code, Series
from usdk.dicom.study import Study
from usdk.dicom.us_image import US_IMAGE_STORAGE, us_image
from usdk.dicom.us_multiframe import us_multiframe
from usdk.dicom.volume_frame import VolumeFrame
from usdk.doppler.slow_time import SlowTime
from usdk.doppler.spectral import SampleVolume, SpectralFrame
from usdk.flow_overlay import FlowKind, FlowOverlay
from usdk.frame import Frame, Provenance
from usdk.m_mode import MModeFrame
from usdk.scan import LineScan, Raster, VolumeRaster

__all__ = ["Specimens", "full_settings", "specimens"]

_SIDE = 4
_UNIX_S = 1.75e9
_VIEW = Code(value="399139001", scheme="SCT", meaning="Parasternal long axis")
_HEART = Code(value="80891009", scheme="SCT", meaning="Heart")
_KIDNEY = Code(value="64033007", scheme="SCT", meaning="Kidney")
_RASTER = Raster(x_m=0.0, z_m=0.001, pixel_size_m=1e-3, n_rows=_SIDE, n_columns=_SIDE)
_VOXELS = VolumeRaster(x_m=0.0, y_m=0.0, z_m=0.001, voxel_size_m=1e-3, n_x=_SIDE, n_y=2, n_z=_SIDE)
_UNKNOWN = Provenance(
    probe="", sequence="", transmit_frequency_hz=math.nan, sound_speed_m_s=math.nan
)
_KNOWN = Provenance(
    probe="probe",
    sequence="sequence",
    transmit_frequency_hz=5e6,
    sound_speed_m_s=1540.0,
    prf_hz=4000.0,
    device=DeviceInfo(manufacturer="maker", model="model", serial_number="1", firmware_version="1"),
    gaps=(Gap(first_sequence_number=0, n_frames=1),),
    processing=(("beamforming", "delay and sum"),),
)


class Specimens(NamedTuple):
    """Objects that know least and most, and the study of the latter."""

    least: list[Dataset]
    most: list[Dataset]
    study: Study


def specimens(sop_class_uid: str) -> Specimens:
    """Return specimens of one SOP class: pictures of every kind, stills, cines, volumes."""
    study = _full_study()
    if sop_class_uid == ENHANCED_US_VOLUME_STORAGE:
        bare = Study(series=Series(anatomic_region=_KIDNEY))
        settings = replace(_bare_volume_settings(), gain_db=None)
        equipment = Equipment(
            manufacturer="maker",
            manufacturer_model_name="model",
            device_serial_number="1",
            software_versions=("1",),
        )
        least = enhanced_us_volume(
            _volume(_UNKNOWN, None), study=bare, settings=settings, equipment=equipment
        )
        most = [
            enhanced_us_volume(
                [_volume(_KNOWN, (0.0, 0.0, 0.0), index) for index in range(2)],
                study=study,
                settings=full_settings(),
            )
        ]
        return Specimens([least], most, study)
    frame = _frame(_UNKNOWN, math.nan)
    known = [_frame(_KNOWN, float(index)) for index in range(2)]
    coloured = [_coloured(each) for each in known]
    composed = [stack(each, _spectral(), _m_mode(), sample_volume=_gate()) for each in known]
    settings, equipment = full_settings(), _full_equipment()
    if sop_class_uid == US_IMAGE_STORAGE:
        least = us_image(frame, study=Study())
        most = [
            us_image(known[0], study=study, settings=settings, equipment=equipment),
            us_image(coloured[0], study=study, settings=settings),
            us_image(coloured[0], study=study, settings=settings, colour="palette"),
            us_image(composed[0], study=study, settings=settings),
        ]
        return Specimens([least], most, study)
    uneven = [replace(known[0], device_timestamp_s=time_s) for time_s in (0.0, 1.0, 5.0)]
    least_cines = [
        us_multiframe([frame] * 2, study=Study(), frame_interval_s=0.1),
    ]
    most = [
        us_multiframe(known, study=study, settings=settings, equipment=equipment),
        us_multiframe(uneven, study=study, settings=settings),
        us_multiframe(coloured, study=study, settings=settings),
        us_multiframe(coloured, study=study, settings=settings, colour="palette"),
        us_multiframe(composed, study=study, settings=settings),
    ]
    return Specimens(least_cines, most, study)


def full_settings() -> ExaminationSettings:
    """Return settings of which everything is known."""
    return replace(
        _bare_volume_settings(),
        heart_rate_bpm=60,
        depth_m=0.1,
        gain_db=0.0,
        output_power="100 %",
        transducer_type="LINEAR",
        stage_name="RECOVERY",
        stage_number=1,
        number_of_stages=1,
        view_name="view",
        view_number=1,
        number_of_views_in_stage=1,
        stage=_VIEW,
    )


def _bare_volume_settings() -> ExaminationSettings:
    return ExaminationSettings(
        mechanical_index=1.0,
        bone_thermal_index=0.0,
        cranial_thermal_index=0.0,
        soft_tissue_thermal_index=0.0,
        focus_depths_m=(0.02,),
        transducer_application="external",
        view=_VIEW,
    )


def _full_equipment() -> Equipment:
    return replace(
        Equipment.from_device(_KNOWN.device), institution_name="institution", station_name="station"
    )


def _full_study() -> Study:
    return Study(
        patient=Patient(
            patient_name="name",
            patient_id="id",
            patient_birth_date=date(2000, 1, 1),
            patient_sex="O",
            issuer_of_patient_id="issuer",
        ),
        series=Series(
            series_description="description",
            protocol_name="protocol",
            examination="CARDIAC",
            body_part_examined="HEART",
            anatomic_region=_HEART,
            image_laterality="U",
        ),
        study_datetime=datetime(2025, 1, 1, tzinfo=UTC),
        study_id="1",
        accession_number="1",
        referring_physician_name="name",
        study_description="description",
    )


def _frame(provenance: Provenance, time_s: float) -> Frame:
    return Frame(
        pixels=np.zeros((_SIDE, _SIDE), np.uint8),
        raster=_RASTER,
        dynamic_range_db=60.0,
        provenance=provenance,
        device_timestamp_s=time_s,
        host_timestamp_s=_UNIX_S + time_s,
    )


def _coloured(frame: Frame) -> Frame:
    values = np.zeros(frame.shape, np.float32)
    overlay = FlowOverlay(
        kind=FlowKind.VELOCITY,
        velocity_m_s=values,
        power_db=values,
        scale=(-0.5, 0.5),
        colours=np.array([[0, 0, 255], [255, 0, 0]], np.uint8),
        nyquist_m_s=0.5,
        prf_hz=4000.0,
        frequency_hz=5e6,
        box=(0, 0, _SIDE, _SIDE),
        steering_rad=0.1,
        angle_rad=0.5,
    )
    return replace(frame, pixels=np.zeros((*frame.shape, 3), np.uint8), overlay=overlay)


def _spectral() -> SpectralFrame:
    return SpectralFrame(
        pixels=np.zeros((_SIDE, _SIDE), np.uint8),
        has_signal=np.ones(_SIDE, bool),
        first_velocity_m_s=0.5,
        row_m_s=-0.25,
        start_s=0.0,
        column_s=0.01,
        dynamic_range_db=40.0,
        slow_time=SlowTime(prf_hz=4000.0, frequency_hz=5e6),
        angle_rad=0.5,
        provenance=_KNOWN,
    )


def _m_mode() -> MModeFrame:
    return MModeFrame(
        pixels=np.zeros((_SIDE, _SIDE), np.uint8),
        has_echoes=np.ones(_SIDE, bool),
        line=LineScan(start_m=(0.0, 0.0, 0.0), end_m=(0.0, 0.0, 0.01), n_samples=_SIDE),
        start_s=0.0,
        column_s=0.01,
        dynamic_range_db=60.0,
        provenance=_KNOWN,
    )


def _gate() -> SampleVolume:
    return SampleVolume(centre_m=(0.0, 0.002), length_m=1e-3)


def _volume(
    provenance: Provenance, apex_m: tuple[float, float, float] | None, index: int = 0
) -> VolumeFrame:
    return VolumeFrame(
        pixels=np.zeros(_VOXELS.shape, np.uint8),
        raster=_VOXELS,
        dynamic_range_db=60.0,
        provenance=provenance,
        apex_m=apex_m,
        duration_s=0.1,
        device_timestamp_s=float(index),
        host_timestamp_s=_UNIX_S + index,
    )
