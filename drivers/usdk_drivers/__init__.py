"""The reference drivers: USB front-end, simulated probes, recording replay."""
