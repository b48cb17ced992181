"""Whether a map explains the decisions: one word, with its numbers."""

from typing import Final, Literal, NamedTuple, TypeAlias

from rl_attention.explain.bootstrap import Estimate
from rl_attention.explain.scores import SENSITIVE

Word: TypeAlias = Literal["supported", "weak", "not supported"]
SUPPORTED: Final = "supported"
WEAK: Final = "weak"
NOT_SUPPORTED: Final = "not supported"

HALF_WAY = 0.5
"""The lower end of F that a supported map has: half way from a random order to the best known."""

FEWEST_EPISODES = 10
"""Episodes of telling states; an interval over fewer is too narrow."""

MECHANISM = 0.1
"""Share of what removing the top entity does that permuting the weights has to do."""


class Evidence(NamedTuple):
    """What a verdict stands on.

    Attributes:
        map: Name of the map.
        faithfulness: F over the telling states.
        gain: What F is a share of: area under the deletion curve, less that of random orders.
        hit: Share of them where the map's top entity is the one that matters most.
        chance: What that share is for a random map.
        moved: Distance of the decisions when the map's top entity is taken out.
        permuted: Their distance when the weights are permuted; None: nothing attends.
        n_states: States.
        n_telling: Those where removing some of several entities changes the decision.
        n_joint: Those where no single entity changes it, but all together do.
    """

    map: str
    faithfulness: Estimate
    gain: Estimate
    hit: Estimate
    moved: float
    chance: float
    permuted: Estimate | None
    n_states: int
    n_telling: int
    n_joint: int = 0


class Verdict(NamedTuple):
    """A verdict.

    Attributes:
        word: `supported`, `weak` or `not supported`.
        map: The map that it is about.
        text: One sentence with the numbers.
    """

    word: Word
    map: str
    text: str


def judge(evidence: Evidence) -> Verdict:
    """Judge a map.

    Supported: F is above one half, its order better than random ones, and the top entity found more
    often than by chance, each by the lower end of its interval, over ten episodes or more; and
    permuting the weights moves the decisions by a tenth or more of what taking out the top entity
    does. Weak: its order is better than random ones. Not supported: anything else, also where no
    entity changes a decision.

    Args:
        evidence: What was measured.
    """
    word, reason = _decide(evidence)
    found = evidence
    text = f"{found.map}: {word} on {found.n_states:,} states: {reason}"
    if found.n_telling:
        text += (
            f". F {found.faithfulness}, "
            f"top entity right in {found.hit} (chance {found.chance:.2f}), "
            f"{found.n_telling:,} states where one of several entities matters"
        )
    if found.n_joint:
        text += (
            f"; in {found.n_joint:,} more no single entity matters but all together do, which "
            "taking out one at a time cannot tell apart"
        )
    return Verdict(word, found.map, text)


def _decide(found: Evidence) -> tuple[Word, str]:
    low, better, hit = found.faithfulness.low, found.gain.low, found.hit.low
    if not found.n_telling:
        return NOT_SUPPORTED, "in no state does taking out one of several entities change anything"
    if better is None:
        return NOT_SUPPORTED, "one episode is too few to tell"
    if better <= 0:
        return NOT_SUPPORTED, "its order of entities is not shown to be better than a random one"
    if low is None:
        return WEAK, "its order is better than a random one, but so is no order by effect"
    if low <= HALF_WAY:
        return (
            WEAK,
            "its order is better than a random one, but not shown to be near that by effect",
        )
    if hit is None or hit <= found.chance:
        return WEAK, "its top entity is not shown to be right more often than by chance"
    if found.gain.n_episodes < FEWEST_EPISODES:
        return WEAK, f"{found.gain.n_episodes} episodes are too few for more"
    if found.permuted is not None and not _moves(found.permuted, found.moved):
        return WEAK, "permuting the weights changes the decisions too little"
    return SUPPORTED, "what it ranks first is what the decisions depend on"


def _moves(permuted: Estimate, moved: float) -> bool:
    return permuted.low is not None and permuted.low > max(SENSITIVE, MECHANISM * moved)
