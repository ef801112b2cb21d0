"""View: frames as pictures that a person sees, on screen, as PNG and as an animated GIF."""

from usdk.view.drawing import picture
from usdk.view.files import MAX_CINE_FRAMES, write_cine, write_png
from usdk.view.screen import show

__all__ = ["MAX_CINE_FRAMES", "picture", "show", "write_cine", "write_png"]
