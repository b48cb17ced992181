"""One observation space to one tokenizer: the waist that every arm shares."""

from gymnasium import spaces
from torch import Tensor, nn

from rl_attention.nn import Packed
from rl_attention.tokenizers.distinct import holds_symbols
from rl_attention.tokenizers.frames import FRAME_TOKENIZERS, Frames
from rl_attention.tokenizers.joint import JointTokenizer
from rl_attention.tokenizers.options import TokenOptions
from rl_attention.tokenizers.schema import WORDS_KEY, WORDS_MASK_KEY, SetSpec, read_schema
from rl_attention.tokenizers.sets import SET_TOKENIZERS, SetTokenizer
from rl_attention.tokenizers.stacking import is_of_newest, newest
from rl_attention.tokenizers.summary import SummaryTokenizer
from rl_attention.tokenizers.tokens import Tokenized
from rl_attention.tokenizers.words import WordTokenizer


class ObservationTokenizer(nn.Module):
    """Turn a preprocessed observation of Stable-Baselines3 into tokens.

    Args:
        space: The observation space, as the extractor gets it.
        options: How the observation is read.

    Raises:
        UserError: The space has no set to attend over.
    """

    def __init__(
        self,
        space: spaces.Space,  # type: ignore[type-arg]
        options: TokenOptions,
    ) -> None:
        super().__init__()
        schema = read_schema(space, options)
        self.schema = schema
        self.options = options
        parts = [_make_tokenizer(found, options) for found in schema.sets]
        tokenizer = parts[0] if len(parts) == 1 else JointTokenizer(parts, options.width)
        self.n_tokens = tokenizer.n_tokens
        self.spans = tokenizer.spans
        self.fixed_places = getattr(tokenizer, "places", None)
        self.entities = tokenizer
        self.words = None
        if schema.words_space is not None:
            self.words = WordTokenizer(schema.words_space, options.width)
        self.summary = None
        if schema.global_spaces:
            self.summary = SummaryTokenizer(schema.global_spaces, options.width)
        self.symbolic = isinstance(space, spaces.Dict) and holds_symbols(space, schema)

    def read(self, observations: dict[str, Tensor] | Tensor) -> dict[str, Tensor] | Tensor:
        """Leave out the keys that are not read.

        Args:
            observations: What Stable-Baselines3 passes to `forward` of an extractor.
        """
        ignored = self.schema.ignored
        if not ignored or isinstance(observations, Tensor):
            return observations
        return {key: part for key, part in observations.items() if key not in ignored}

    def forward(self, observations: dict[str, Tensor] | Tensor) -> Tokenized:
        """Tokenize a batch.

        Args:
            observations: What Stable-Baselines3 passes to `forward` of an extractor.
        """
        if isinstance(observations, Tensor):
            values = _values_of(self.schema.sets[0], {}, observations)
            entities, places = self.entities(values, None)
            return Tokenized(entities, places, None, None)
        if self.options.n_stack > 1:
            observations = {key: self._newest(key, part) for key, part in observations.items()}
        entities, places = self._read_sets(observations)
        words = None
        if self.words is not None:
            words = self.words(observations[WORDS_KEY], observations.get(WORDS_MASK_KEY))
        summary = None if self.summary is None else self.summary(observations)
        return Tokenized(entities, places, words, summary)

    def _read_sets(self, observations: dict[str, Tensor]) -> tuple[Packed, Tensor | None]:
        values = [
            _values_of(found, observations, observations[found.key])
            for found in self.schema.sets
            if found.key is not None
        ]
        masks = [
            None if found.mask_key is None else observations[found.mask_key]
            for found in self.schema.sets
        ]
        if len(values) == 1:
            return self.entities(values[0], masks[0])
        return self.entities(values, masks)

    def _newest(self, key: str, values: Tensor) -> Tensor:
        keys = [found.name for found in self.schema.sets]
        return newest(values, self.options.n_stack) if is_of_newest(key, keys) else values


def _make_tokenizer(found: SetSpec, options: TokenOptions) -> SetTokenizer:
    if found.kind == "frames":
        cls = FRAME_TOKENIZERS[options.frames]
        return cls(found.space, options, found.name, found.companions)
    return SET_TOKENIZERS[found.kind](found.space, options, found.name)


def _values_of(found: SetSpec, observations: dict[str, Tensor], values: Tensor) -> Tensor | Frames:
    """Give what the tokenizer of a set takes: past frames come with what tells of the steps."""
    if found.kind != "frames":
        return values
    beside = (None if key is None else observations[key] for key in found.companions.places)
    return Frames(values, *beside)
