"""Pictures of attention maps, with numpy and Pillow alone."""

from rl_attention.recording.drawing.mosaic import draw_mosaic

__all__ = ["draw_mosaic"]
