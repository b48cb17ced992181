"""What a Recall is made from, checked when it is written down."""

from dataclasses import dataclass

from rl_attention_envs.recall.symbols import CELLS
from rl_attention_envs.symbols import COLOURS
from rl_attention_envs.worlds.checks import Span, check_whole, read_span

_LONGEST = 10_000


@dataclass(frozen=True)
class RecallParams:
    """The rules by which episodes are drawn.

    Attributes:
        distance: Steps between the cue and the question; one less of them show distractors.
        n_colours: Colours of cues and distractors, 2 to 6, and answers.
        n_distractors: Distractors of one step: a number, or its lowest and highest value, of which
            one is drawn for each step.
    """

    distance: int = 8
    n_colours: int = 4
    n_distractors: Span = (1, 4)

    def __post_init__(self) -> None:
        check_whole("distance", self.distance, 1, _LONGEST)
        check_whole("n_colours", self.n_colours, 2, len(COLOURS))
        span = read_span("n_distractors", self.n_distractors, 1)
        check_whole("n_distractors", span[1], 1, CELLS)
        object.__setattr__(self, "n_distractors", span)

    @property
    def span(self) -> tuple[int, int]:
        """The range of ``n_distractors``."""
        return self.n_distractors  # type: ignore[return-value]

    @property
    def max_things(self) -> int:
        """Things of the fullest step."""
        return self.span[1]

    @property
    def length(self) -> int:
        """Steps of an episode: the one that answers is the last."""
        return self.distance + 1
