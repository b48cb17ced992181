"""The words of every MiniGrid and BabyAI mission, and how a mission becomes word ids."""

import re
from dataclasses import dataclass

from rl_attention_envs.errors import EnvironmentConfigError

VOCABULARY: tuple[str, ...] = (
    "<pad>",
    # verbs
    "go",
    "get",
    "pick",
    "put",
    "open",
    "fetch",
    "find",
    "use",
    "avoid",
    "reach",
    "unlock",
    "traverse",
    "must",
    # small words
    "to",
    "up",
    "the",
    "a",
    "and",
    "then",
    "after",
    "you",
    "your",
    "of",
    "on",
    "in",
    "at",
    "from",
    "next",
    "near",
    # places
    "left",
    "right",
    "front",
    "behind",
    "end",
    # things
    "object",
    "ball",
    "box",
    "key",
    "door",
    "goal",
    "lava",
    "square",
    "opening",
    "room",
    "rooms",
    "hallway",
    "maze",
    # colours and the like
    "red",
    "green",
    "blue",
    "purple",
    "yellow",
    "grey",
    "matching",
)
"""Index = id. The order is part of the format of stored observations: only ever append."""

PADDING = 0

_IDS = {word: index for index, word in enumerate(VOCABULARY)}
_WORD = re.compile(r"[^\s,]+")


@dataclass(frozen=True)
class MissionBounds:
    """What no mission of an environment exceeds.

    Attributes:
        words: Number of words, commas not counted.
        letters: Number of characters of the sentence.
    """

    words: int
    letters: int


_DEFAULT = MissionBounds(words=16, letters=96)
_LONG = MissionBounds(words=24, letters=96)
_SEQUENCE = MissionBounds(words=24, letters=112)
_BOSS = MissionBounds(words=72, letters=336)

# ids whose grammar can say more than 16 words; the tests work out the longest sentence of each
_BOUNDS: dict[str, MissionBounds] = {
    "MiniGrid-LockedRoom-v0": _LONG,
    "BabyAI-SynthLoc-v0": _LONG,
    "BabyAI-MoveTwoAcrossS5N2-v0": _LONG,
    "BabyAI-MoveTwoAcrossS8N9-v0": _LONG,
    "BabyAI-GoToSeq-v0": _SEQUENCE,
    "BabyAI-GoToSeqS5R2-v0": _SEQUENCE,
    "BabyAI-SynthSeq-v0": _BOSS,
    "BabyAI-MiniBossLevel-v0": _BOSS,
    "BabyAI-BossLevel-v0": _BOSS,
    "BabyAI-BossLevelNoUnlock-v0": _BOSS,
}


def mission_bounds(env_id: str) -> MissionBounds:
    """Return how long a mission of ``env_id`` can be at most."""
    return _BOUNDS.get(env_id, _DEFAULT)


def words_of(mission: str) -> list[str]:
    """Split a mission into its words; commas and case carry nothing and are dropped."""
    return _WORD.findall(mission.lower())


def tokenise(mission: str, length: int) -> list[int]:
    """Return the word ids of a mission, padded with 0 to ``length``.

    Args:
        mission: The sentence.
        length: Number of slots.

    Raises:
        EnvironmentConfigError: A word is not in ``VOCABULARY``, or the mission is longer than
            ``length`` words.
    """
    words = words_of(mission)
    unknown = [word for word in words if word not in _IDS]
    if unknown:
        raise EnvironmentConfigError(
            f"mission {mission!r} has the word {unknown[0]!r}, which is not in the vocabulary of "
            "MiniGrid and BabyAI missions; append it to rl_attention_envs.vocabulary.VOCABULARY"
        )
    if len(words) > length:
        raise EnvironmentConfigError(
            f"mission {mission!r} has {len(words)} words, but this environment was given {length} "
            "word slots; raise its entry in rl_attention_envs.vocabulary"
        )
    return [_IDS[word] for word in words] + [PADDING] * (length - len(words))
