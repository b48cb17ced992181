"""What a Box-World is made from, checked when it is written down."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rl_attention_envs.box_world.symbols import COLOURS
from rl_attention_envs.errors import EnvironmentConfigError
from rl_attention_envs.worlds.checks import Span, check_whole, read_span

Pair = tuple[int, int]

_SMALLEST, _LARGEST = 4, 24


@dataclass(frozen=True)
class BoxWorldParams:
    """The rules by which levels are drawn and rewarded.

    A range is a number, or its lowest and highest value, of which one is drawn for each level.

    Attributes:
        size: Side of the room, 4 to 24.
        solution_length: Boxes on the way to the gem, that with the gem included.
        n_branches: Branches that lead nowhere.
        branch_length: Boxes of each branch.
        n_colours: Colours of keys and locks, at most 20.
        withheld: Pairs (key, lock) of colours 1 to ``n_colours``: no box with that lock holds that
            key.
        require_withheld: Turns ``withheld`` round: in every level, some box on the way to the gem
            is one of those pairs.
        max_steps: Steps after which an episode is truncated; None: ``4 * size`` for each thing to
            be fetched on the longest way.
        reward_scale: Factor of the paper's rewards (gem 10, box of the solution 1, distractor -1).
    """

    size: int = 12
    solution_length: Span = (1, 4)
    n_branches: Span = (0, 4)
    branch_length: Span = 1
    n_colours: int = 20
    withheld: Iterable[Pair] = ()
    require_withheld: bool = False
    max_steps: int | None = None
    reward_scale: float = 1.0

    def __post_init__(self) -> None:
        check_whole("size", self.size, _SMALLEST, _LARGEST)
        check_whole("n_colours", self.n_colours, 1, len(COLOURS))
        for name, lowest in (("solution_length", 1), ("n_branches", 0), ("branch_length", 1)):
            object.__setattr__(self, name, read_span(name, getattr(self, name), lowest))
        object.__setattr__(self, "withheld", _pairs(self.withheld, self.n_colours))
        if self.max_steps is not None:
            check_whole("max_steps", self.max_steps, 1, 1_000_000)
        if not self.reward_scale > 0:
            raise EnvironmentConfigError(
                f"reward_scale: expected a number above 0, got {self.reward_scale}"
            )
        self._check_colours()
        self._check_required()

    @property
    def spans(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """The ranges of ``solution_length``, ``n_branches`` and ``branch_length``."""
        return self.solution_length, self.n_branches, self.branch_length  # type: ignore[return-value]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The withheld pairs (key, lock), sorted."""
        return self.withheld  # type: ignore[return-value]

    @property
    def max_boxes(self) -> int:
        """Boxes of the largest level, and colours that it needs."""
        (_, longest), (_, branches), (_, branch) = self.spans
        return longest + branches * branch

    @property
    def max_things(self) -> int:
        """Boxes and loose keys of the largest level."""
        return self.max_boxes + 1

    @property
    def step_limit(self) -> int:
        """Steps after which an episode is truncated."""
        return self.max_steps or 4 * self.size * (self.spans[0][1] + 1)

    def _check_colours(self) -> None:
        if self.max_boxes > self.n_colours:
            raise EnvironmentConfigError(
                f"n_colours: expected at least {self.max_boxes}, one for every key of the largest "
                f"level, got {self.n_colours}: shorten the solution or the branches"
            )

    def _check_required(self) -> None:
        if not self.require_withheld:
            return
        if not self.pairs:
            raise EnvironmentConfigError(
                "withheld: expected at least one pair (key, lock) for require_withheld, got none"
            )
        if self.spans[0][0] < 2:
            raise EnvironmentConfigError(
                "solution_length: expected at least 2 for require_withheld, because a single box "
                f"holds the gem and no key, got {self.spans[0][0]}"
            )


def _pairs(withheld: Any, n_colours: int) -> tuple[Pair, ...]:
    try:
        pairs = sorted({(int(key), int(lock)) for key, lock in withheld})
    except (TypeError, ValueError):
        pairs = [(0, 0)]
    for key, lock in pairs:
        if not (1 <= key <= n_colours and 1 <= lock <= n_colours and key != lock):
            raise EnvironmentConfigError(
                f"withheld: expected pairs (key, lock) of two different colours from 1 to "
                f"{n_colours}, got {withheld!r}"
            )
    return tuple(pairs)
