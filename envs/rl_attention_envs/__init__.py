"""Entity observations and fast vector environments for MiniGrid, BabyAI, Box-World and Recall."""

from rl_attention_envs.actions import action_names
from rl_attention_envs.backends import BackendChoice, choose_backend
from rl_attention_envs.changes import CHANGES, change_applies
from rl_attention_envs.empty_tokens import empty_token
from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.factory import make_vec_env
from rl_attention_envs.probes import make_probes
from rl_attention_envs.registry import EnvironmentInfo, check_environment, list_environments
from rl_attention_envs.views import VIEWS
from rl_attention_envs.vocabulary import VOCABULARY

__all__ = [
    "CHANGES",
    "VIEWS",
    "VOCABULARY",
    "BackendChoice",
    "EnvironmentConfigError",
    "EnvironmentInfo",
    "action_names",
    "change_applies",
    "check_environment",
    "choose_backend",
    "empty_token",
    "list_environments",
    "make_probes",
    "make_vec_env",
]
