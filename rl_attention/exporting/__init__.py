"""Policies as files that need neither Python nor torch."""

from rl_attention.exporting.onnx_file import export_onnx

__all__ = ["export_onnx"]
