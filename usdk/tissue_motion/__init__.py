"""Tissue motion: displacement and strain by phase from frame to frame."""

from usdk.tissue_motion.bound import displacement_bound_m
from usdk.tissue_motion.estimator import MotionEstimator
from usdk.tissue_motion.motion import TissueMotion
from usdk.tissue_motion.strain import strain
from usdk.tissue_motion.tracker import MotionTracker
from usdk.tissue_motion.tracking import TissueTracking

__all__ = [
    "MotionEstimator",
    "MotionTracker",
    "TissueMotion",
    "TissueTracking",
    "displacement_bound_m",
    "strain",
]
