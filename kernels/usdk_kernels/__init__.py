"""Compiled array functions: arrays in, arrays out, SI units; no I/O, no objects, no threads."""
