"""Tissue motion: displacement and strain by phase from frame to frame."""
