"""Box-World: keys, locked boxes and a gem (Zambaldi et al. 2018, written anew from the paper)."""

from rl_attention_envs.box_world.levels import Box, Level
from rl_attention_envs.box_world.making import make_box_world_vec_env
from rl_attention_envs.box_world.params import BoxWorldParams
from rl_attention_envs.box_world.presets import PRESETS, register
from rl_attention_envs.box_world.probes import make_box_world_probes
from rl_attention_envs.box_world.symbols import ACTIONS, COLOURS, GEM
from rl_attention_envs.box_world.views import BOX_WORLD_VIEWS

__all__ = [
    "ACTIONS",
    "BOX_WORLD_VIEWS",
    "COLOURS",
    "GEM",
    "PRESETS",
    "Box",
    "BoxWorldParams",
    "Level",
    "make_box_world_probes",
    "make_box_world_vec_env",
]

register()
