"""The config of one run: frozen, checked, and the documentation of every option."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from rl_attention.experiment.compatibility import VIEWS_OF_ARM, find_conflict
from rl_attention.experiment.fields import (
    NAME,
    ConfigModel,
    Count,
    Fraction,
    Keys,
    Name,
    Seed,
    SignedSchedule,
    Sizes,
    read_count,
)
from rl_attention.experiment.hyperparams import HYPERPARAMS, Hyperparams
from rl_attention.experiment.imitation.config import DEFAULT_LABELS, ImitationConfig

Algo = Literal["ppo", "a2c", "dqn", "ppo_lstm"]
Arm = Literal["attention", "uniform", "mlp", "cnn", "flat"]
View = Literal["entities", "cells", "pixels", "flat"]


class EnvConfig(ConfigModel):
    """Which task, and how it is seen and run."""

    id: str = Field(description="Environment, such as MiniGrid-DoorKey-5x5-v0.")
    view: View = Field(default="entities", description="What the agent sees.")
    backend: Literal["auto", "envpool", "gymnasium"] = Field(
        default="auto", description="Who steps the environments; auto takes EnvPool where it can."
    )
    vec_env: Literal["dummy", "subproc"] = Field(
        default="dummy", description="For gymnasium: one process, or one for each environment."
    )
    n_envs: Count = Field(default=64, description="Environments stepped together.")
    max_entities: Count = Field(default=32, description="Rows of the entities view.")
    agent_view_size: Annotated[int, Field(ge=3)] = Field(
        default=7, description="Side of what the agent sees; python MiniGrid alone has others."
    )
    n_frames: Count | None = Field(
        default=None,
        description="Frames of its episode that the agent sees, with what it did; by default the "
        "newest alone.",
    )
    normalize: bool = Field(
        default=False, description="VecNormalize on observation and reward; for the flat view only."
    )


class ExtractorConfig(ConfigModel):
    """The attention extractor; control arms are sized to have as many parameters."""

    width: Count = Field(default=64, description="Size of a token.")
    n_heads: Count = Field(default=4, description="Attention heads; they divide width.")
    n_blocks: Annotated[int, Field(ge=0)] = Field(
        default=1, description="How often tokens read each other; 0: the pooling alone attends."
    )
    attention: Literal["self", "ego", "entities_to_words", "words_to_entities", "latent"] = Field(
        default="self", description="Who asks."
    )
    n_latents: Count = Field(default=8, description="Learned tokens, for attention latent.")
    score: Literal["scaled_dot_product", "dot_product", "additive", "cosine"] = Field(
        default="scaled_dot_product", description="How a key answers a query."
    )
    weights: Literal["softmax", "sparsemax", "topk"] = Field(
        default="softmax", description="How scores become weights; the arm uniform has neither."
    )
    top_k: Count = Field(default=4, description="Keys that each query keeps, for weights topk.")
    scope: Literal["global", "local"] = Field(
        default="global", description="Whether tokens read all others, or those near them alone."
    )
    radius: Count = Field(
        default=2, description="How far a token reads along each coordinate, for scope local."
    )
    position: Literal["auto", "none", "learned", "sinusoidal", "relative"] = Field(
        default="auto",
        description="How tokens know where they are; auto: learned, but none for entities.",
    )
    block: Literal["pre_norm", "rezero", "gtrxl", "relational"] = Field(
        default="pre_norm", description="What surrounds attention: norms, gates, shared weights."
    )
    pooling: Literal["learned_query", "mean", "max", "ego"] = Field(
        default="learned_query", description="How the set becomes one vector."
    )
    dropout: Annotated[Fraction, Field(lt=1)] = Field(
        default=0.0, description="Share of attention's weights dropped in training; not for PPO."
    )
    features_dim: Count = Field(default=128, description="Size of the features given to the heads.")
    feedforward: Count = Field(
        default=128, description="Hidden size of attention's feed-forward layers."
    )
    patch_size: Count = Field(default=8, description="Side of a patch of the pixels view.")
    frames: Literal["entities", "newest", "summary"] = Field(
        default="entities",
        description="With env.n_frames: a token for each entity of each step, for each of the "
        "newest and one a step, or one a step alone.",
    )
    ignored_keys: Keys = Field(
        default=(),
        description="Keys of the observation that are not read, as [mission] where it never "
        "changes.",
    )


class ZeroShotConfig(ConfigModel):
    """A test on what was never trained."""

    id: str | None = Field(
        default=None, description="Another environment with the same observations and actions."
    )
    change: Literal["shuffle", "recolour"] | None = Field(
        default=None,
        description="shuffle: entities in another order at every step; recolour: every thing, and "
        "the mission, in another colour.",
    )

    deterministic: bool | None = Field(
        default=None, description="Take the likeliest action, or not; by default as in eval."
    )

    @model_validator(mode="after")
    def _differs(self) -> "ZeroShotConfig":
        if self.id is None and self.change is None and self.deterministic is None:
            message = "expected another id, a change, or deterministic, got none of them"
            raise PydanticCustomError("no_test", message)
        return self


class EvalConfig(ConfigModel):
    """The evaluation after training, on fresh environments."""

    n_episodes: Count = Field(
        default=100, description="Episodes, an equal share for each environment."
    )
    deterministic: bool = Field(default=True, description="Take the likeliest action.")
    zero_shot: dict[Name, ZeroShotConfig] = Field(
        default={}, description="Further tests, after {test: {id: ..., change: ...}}."
    )


class RecordingConfig(ConfigModel):
    """What is kept of the attention."""

    snapshots: Annotated[int, Field(ge=0)] = Field(
        default=10, description="Log-spaced snapshots of the attention maps; 0: none."
    )
    n_probes: Count = Field(default=6, description="Fixed observations that the maps are drawn of.")
    faithfulness: bool = Field(
        default=True,
        description="Also log how well attention tells which entities decide, at each snapshot.",
    )


class CheckpointConfig(ConfigModel):
    """What a killed run goes on from: the same command finishes it."""

    every: Annotated[int, BeforeValidator(read_count), Field(ge=0)] = Field(
        default=100_000,
        description="Frames between two checkpoints, many episodes of each environment; 0: at the "
        "end alone.",
    )
    exact: bool = Field(
        default=True,
        description="Reseed and begin new episodes there, so that an interrupted run ends with the "
        "same weights as one that was not.",
    )


class InitConfig(ConfigModel):
    """What the network begins with, in place of random weights."""

    path: str = Field(description="Run folder whose weights they are.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of its policy.safetensors.")


_LATER = ("imitation", "init")
"""Groups that older files lack: where there is none, a config is written, and hashed, as before.
So it is with `extractor.ignored_keys`."""


def read_hyperparams(value: Any, info: ValidationInfo) -> Any:
    """Validate hyperparameters by the model of the algorithm that the config names."""
    model = HYPERPARAMS.get(info.data.get("algo", ""))
    if model is None or not isinstance(value, Mapping | Hyperparams):
        return value
    if isinstance(value, Hyperparams):
        value = value.model_dump(exclude_unset=True)
    return model.model_validate(dict(value))


class RunConfig(ConfigModel):
    """One run: one arm, one seed."""

    env: EnvConfig = Field(description="The environment.")
    algo: Algo = Field(default="ppo", description="Algorithm.")
    n_timesteps: Count = Field(
        default=200_000, description="Frames of training; an imitation has its labels."
    )
    seed: Seed = Field(default=0, description="Decides every random draw.")
    arm: Arm = Field(default="attention", description="Features extractor.")
    label: str | None = Field(
        default=None,
        pattern=NAME,
        max_length=64,
        description="Name of this arm in folders and tables; by default the arm's own.",
    )
    extractor: ExtractorConfig = Field(
        default=ExtractorConfig(), description="The features extractor."
    )
    net_arch: Sizes = Field(
        default=(64,), description="Hidden layers of the policy and value heads, as [64, 64]."
    )
    hyperparams: Annotated[SerializeAsAny[Hyperparams], BeforeValidator(read_hyperparams)] = Field(
        default={},
        description="The algorithm's hyperparameters, in SB3's spelling.",
        validate_default=True,
    )
    imitation: ImitationConfig | None = Field(
        default=None, description="Learn from BabyAI's bot, in place of reward."
    )
    init: InitConfig | None = Field(default=None, description="Begin with another run's weights.")
    eval: EvalConfig = Field(default=EvalConfig(), description="Evaluation.")
    checkpoint: CheckpointConfig = Field(default=CheckpointConfig(), description="Checkpoints.")
    recording: RecordingConfig = Field(default=RecordingConfig(), description="Recording.")
    attention_ent_coef: SignedSchedule = Field(
        default=0.0,
        description="Weight of a bonus on attention's entropy (arm attention); below 0 a penalty. "
        "lin_X goes from X to 0.",
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$",
        description="auto, cpu, cuda, cuda:N, mps.",
    )
    num_threads: Count | None = Field(
        default=None, description="CPU threads; by default all, divided fairly among parallel runs."
    )

    @model_validator(mode="before")
    @classmethod
    def _choose_view(cls, data: Any) -> Any:
        """An arm that takes one view only need not be told which."""
        if not isinstance(data, Mapping) or not isinstance(data.get("env"), Mapping):
            return data
        arm = data.get("arm", "attention")
        if "view" in data["env"] or not isinstance(arm, str) or arm not in VIEWS_OF_ARM:
            return data
        return {**data, "env": {**data["env"], "view": VIEWS_OF_ARM[arm][0]}}

    @model_validator(mode="before")
    @classmethod
    def _count_labels(cls, data: Any) -> Any:
        """An imitation's frames are its labels, whatever the runs beside it have."""
        if not isinstance(data, Mapping) or not isinstance(data.get("imitation"), Mapping):
            return data
        labels = read_count(data["imitation"].get("labels", DEFAULT_LABELS))
        sound = isinstance(labels, int) and labels > 0  # or else it is refused by its own name
        return {**data, "n_timesteps": labels} if sound else data

    @model_validator(mode="after")
    def _check_conflicts(self) -> "RunConfig":
        conflict = find_conflict(self)
        if conflict is not None:
            raise PydanticCustomError("conflict", "{reason}", {"reason": conflict})
        return self

    @property
    def name(self) -> str:
        """Name of the arm in folders and tables."""
        return self.label or self.arm

    def dump(self) -> dict[str, Any]:
        """Every field as plain data, ready for YAML."""
        data = self.model_dump(mode="json")
        if not self.extractor.ignored_keys:
            del data["extractor"]["ignored_keys"]
        return {key: part for key, part in data.items() if part is not None or key not in _LATER}
