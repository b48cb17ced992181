"""Numbers that others have published for tasks of ours, each with its source.

They stand beside our numbers, never among them: algorithms, budgets, numbers of seeds, observations
and even the rules of an environment differ, as each note says.
"""

from dataclasses import dataclass
from typing import Literal

Measure = Literal["mean_reward", "success_rate", "thousand episodes to 99 %"]


@dataclass(frozen=True)
class Published:
    """One published number.

    Args:
        value: The number.
        measure: What it is of.
        frames: Training frames behind it; None: not told.
        seeds: Seeds behind it; None: not told.
        source: Where it stands.
        note: What a reader must know before comparing.
    """

    value: float
    measure: Measure
    frames: int | None
    seeds: int | None
    source: str
    note: str


_ZOO = "RL Zoo (DLR-RM/rl-baselines3-zoo, benchmark.md, commit 22e3ff2)"
_ZOO_NOTE = "mean return of a deterministic policy, one seed"
_NAVIX = "NAVIX (epignatelli/navix, pull request 99, commit 6efada7)"
_NAVIX_NOTE = "PPO on an environment of its own that is close to MiniGrid but not the same"
_BABYAI = "BabyAI 1.1 (arXiv 2007.12770, Table 1, BOW+endpool+res)"
_BABYAI_NOTE = "thousands of episodes of PPO until 99 % success, not a score"
_LSTM = "recurrent PPO (MarcoMeter/recurrent-ppo-truncated-bptt, minigrid_result.svg, a1e87a8)"
_LSTM_NOTE = (
    "mean return of 10 runs with an LSTM of 256, read off a curve that peaked at 0.94; pictures of "
    "the same 3 x 3 view, three actions, 99 layouts"
)
_GTRXL = "memrl-s13-baseline (a log of experiments with memory networks)"
_GTRXL_NOTE = "mean return with GTrXL and no exploration bonus; LSTM 0.50, no memory 0.55 at most"


def _zoo(value: float, frames: int) -> Published:
    return Published(value, "mean_reward", frames, 1, _ZOO, _ZOO_NOTE)


def _navix(value: float, name: str = "") -> Published:
    note = f"{_NAVIX_NOTE}; there {name}" if name else _NAVIX_NOTE
    return Published(value, "success_rate", 1_050_000, 32, _NAVIX, f"{note}; frames are rounded")


def _babyai(value: float) -> Published:
    return Published(value, "thousand episodes to 99 %", None, None, _BABYAI, _BABYAI_NOTE)


PUBLISHED: dict[str, tuple[Published, ...]] = {
    "BabyAI-GoToLocal-v0": (_babyai(611),),
    "BabyAI-GoToRedBall-v0": (_babyai(177),),
    "BabyAI-GoToRedBallGrey-v0": (_babyai(24),),
    "BabyAI-PickupLoc-v0": (_babyai(982),),
    "BabyAI-PutNextLocal-v0": (_babyai(876),),
    "MiniGrid-DistShift2-v0": (_navix(1.000),),
    "MiniGrid-DoorKey-16x16-v0": (_navix(0.555),),
    "MiniGrid-DoorKey-5x5-v0": (_zoo(0.964, 100_000),),
    "MiniGrid-DoorKey-8x8-v0": (_navix(0.997),),
    "MiniGrid-Empty-16x16-v0": (_navix(0.575),),
    "MiniGrid-Empty-Random-5x5-v0": (_zoo(0.968, 100_000),),
    "MiniGrid-FourRooms-v0": (_zoo(0.573, 5_000_000), _navix(0.139)),
    "MiniGrid-GoToDoor-5x5-v0": (_zoo(0.525, 5_000_000),),
    "MiniGrid-GoToDoor-6x6-v0": (_navix(1.000),),
    "MiniGrid-KeyCorridorS3R1-v0": (_zoo(0.949, 500_000),),
    "MiniGrid-LavaGapS6-v0": (_navix(1.000),),
    "MiniGrid-LockedRoom-v0": (_zoo(0.000, 10_000_000),),
    "MiniGrid-MemoryS13-v0": (Published(0.61, "mean_reward", 10_000_000, 3, _GTRXL, _GTRXL_NOTE),),
    "MiniGrid-MemoryS9-v0": (Published(0.88, "mean_reward", 2_050_000, 10, _LSTM, _LSTM_NOTE),),
    "MiniGrid-MultiRoom-N4-S5-v0": (_zoo(0.000, 10_000_000),),
    "MiniGrid-ObstructedMaze-2Dlh-v0": (_zoo(0.000, 10_000_000),),
    "MiniGrid-PutNear-6x6-N2-v0": (_zoo(0.612, 10_000_000),),
    "MiniGrid-RedBlueDoors-6x6-v0": (_zoo(0.860, 1_000_000),),
    "MiniGrid-SimpleCrossingS9N1-v0": (_navix(0.966, "Crossings-S9N1"),),
    "MiniGrid-Unlock-v0": (_zoo(0.963, 100_000),),
}
"""Environment id to what others have published for it."""
