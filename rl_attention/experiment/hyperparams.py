"""Hyperparameters of each algorithm, in SB3's own spelling."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from rl_attention.experiment.fields import (
    ConfigModel,
    Count,
    Fraction,
    NonNegative,
    Positive,
    Schedule,
    read_count,
)


class Hyperparams(ConfigModel):
    """What every algorithm has."""

    learning_rate: Schedule = Field(default=3e-4, description="Step size; lin_X falls from X to 0.")
    gamma: Fraction = Field(default=0.99, description="Discount.")
    max_grad_norm: Positive = Field(default=0.5, description="Gradients are clipped to this norm.")

    def of_network(self) -> dict[str, Any]:
        """Return the settings that shape the network, by name: arguments of the policy."""
        return {}


class OnPolicyHyperparams(Hyperparams):
    """What PPO and A2C share."""

    n_steps: Count = Field(default=40, description="Frames each environment gives to one update.")
    gae_lambda: Fraction = Field(
        default=0.95, description="Trade of bias for variance in advantages."
    )
    ent_coef: NonNegative = Field(default=0.01, description="Weight of the entropy bonus.")
    vf_coef: NonNegative = Field(default=0.5, description="Weight of the value loss.")
    normalize_advantage: bool = Field(
        default=True, description="Scale advantages to mean 0, deviation 1."
    )
    advantage_floor: NonNegative = Field(
        default=0.0,
        description="Least deviation that advantages are divided by, and then once a rollout; 0: "
        "none, and once a minibatch.",
    )
    value_gain: NonNegative = Field(
        default=1.0,
        description="What the first weights of the value head are multiplied by; 0.01 where reward "
        "is rare.",
    )


class PPOConfig(OnPolicyHyperparams):
    """PPO."""

    learning_rate: Schedule = Field(default=5e-4, description="Step size; lin_X falls from X to 0.")
    batch_size: Count | None = Field(
        default=None, description="Minibatch; by default a quarter of n_steps x n_envs."
    )
    n_epochs: Count = Field(default=4, description="Passes over each rollout.")
    clip_range: Schedule = Field(
        default=0.2, description="Largest change of the ratio; may be lin_X."
    )
    target_kl: Positive | None = Field(
        default=None, description="Stop the passes above this divergence."
    )


class PPOLSTMConfig(PPOConfig):
    """RecurrentPPO of sb3-contrib: an LSTM between the features and the heads."""

    n_steps: Count = Field(
        default=128,
        description="Frames each environment gives to one update; gradients reach no further.",
    )
    lstm_hidden_size: Count = Field(default=256, description="Hidden units of each LSTM.")
    n_lstm_layers: Count = Field(default=1, description="Layers of each LSTM.")
    shared_lstm: bool = Field(default=False, description="One LSTM for policy and value.")
    enable_critic_lstm: bool = Field(default=True, description="The value has an LSTM too.")

    def of_network(self) -> dict[str, Any]:
        """Return the settings that shape the network, by name."""
        names = ("lstm_hidden_size", "n_lstm_layers", "shared_lstm", "enable_critic_lstm")
        return {name: getattr(self, name) for name in names}


class A2CConfig(OnPolicyHyperparams):
    """A2C."""

    learning_rate: Schedule = Field(default=7e-4, description="Step size; lin_X falls from X to 0.")
    n_steps: Count = Field(default=5, description="Frames each environment gives to one update.")
    gae_lambda: Fraction = Field(
        default=1.0, description="Trade of bias for variance in advantages."
    )
    normalize_advantage: bool = Field(
        default=False, description="Scale advantages to mean 0, deviation 1."
    )
    use_rms_prop: bool = Field(default=True, description="RMSprop in place of Adam.")
    rms_prop_eps: Positive = Field(default=1e-5, description="RMSprop's epsilon.")


class DQNConfig(Hyperparams):
    """DQN."""

    learning_rate: Schedule = Field(default=1e-4, description="Step size; lin_X falls from X to 0.")
    max_grad_norm: Positive = Field(default=10.0, description="Gradients are clipped to this norm.")
    buffer_size: Count = Field(
        default=50_000, description="Transitions that the replay buffer holds."
    )
    learning_starts: Annotated[int, BeforeValidator(read_count), Field(ge=0)] = Field(
        default=1000, description="Frames before the first update."
    )
    batch_size: Count = Field(default=128, description="Transitions of one update.")
    tau: Fraction = Field(
        default=1.0, description="Share of the online net that moves to the target net."
    )
    train_freq: Count = Field(default=1, description="Steps of all environments between updates.")
    gradient_steps: Annotated[int, BeforeValidator(read_count), Field(ge=-1)] = Field(
        default=4, description="Updates each time; -1: as many as there were frames."
    )
    target_update_interval: Count = Field(
        default=1000, description="Frames between target updates."
    )
    exploration_fraction: Fraction = Field(
        default=0.1, description="Share of training that epsilon falls."
    )
    exploration_initial_eps: Fraction = Field(default=1.0, description="First epsilon.")
    exploration_final_eps: Fraction = Field(default=0.05, description="Last epsilon.")


HYPERPARAMS: dict[str, type[Hyperparams]] = {
    "ppo": PPOConfig,
    "a2c": A2CConfig,
    "dqn": DQNConfig,
    "ppo_lstm": PPOLSTMConfig,
}
