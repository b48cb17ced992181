"""Episodes with everything that is known of each decision, for the viewer."""

from rl_attention.explain.replay.making import make_replay

__all__ = ["make_replay"]
