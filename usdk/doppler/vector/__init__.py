"""Vector Doppler: velocity vectors from several transmit and receive angles."""

from usdk.doppler.vector.arrows import draw_arrows
from usdk.doppler.vector.directions import look_directions, receive_directions, transmit_directions
from usdk.doppler.vector.solve import phase_variance, solve_vectors
from usdk.doppler.vector.vector_doppler import VectorDoppler
from usdk.doppler.vector.vector_map import VectorMap

__all__ = [
    "VectorDoppler",
    "VectorMap",
    "draw_arrows",
    "look_directions",
    "phase_variance",
    "receive_directions",
    "solve_vectors",
    "transmit_directions",
]
