"""One observation space to one tokenizer: the waist that every arm shares."""

from gymnasium import spaces
from torch import Tensor, nn

from rl_attention.tokenizers.distinct import holds_symbols
from rl_attention.tokenizers.schema import MASK_KEY, WORDS_KEY, WORDS_MASK_KEY, read_schema
from rl_attention.tokenizers.sets import SET_TOKENIZERS, TokenOptions
from rl_attention.tokenizers.summary import SummaryTokenizer
from rl_attention.tokenizers.tokens import Tokenized
from rl_attention.tokenizers.words import WordTokenizer


class ObservationTokenizer(nn.Module):
    """Turn a preprocessed observation of Stable-Baselines3 into tokens.

    Args:
        space: The observation space, as the extractor gets it.
        options: How the set becomes tokens.

    Raises:
        UserError: The space has no set to attend over.
    """

    def __init__(
        self,
        space: spaces.Space,  # type: ignore[type-arg]
        options: TokenOptions,
    ) -> None:
        super().__init__()
        schema = read_schema(space)
        self.schema = schema
        tokenizer = SET_TOKENIZERS[schema.kind](schema.set_space, options)
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
        self.symbolic = isinstance(space, spaces.Dict) and holds_symbols(space)

    def forward(self, observations: dict[str, Tensor] | Tensor) -> Tokenized:
        """Tokenize a batch.

        Args:
            observations: What Stable-Baselines3 passes to `forward` of an extractor.
        """
        if isinstance(observations, Tensor):
            entities, places = self.entities(observations, None)
            return Tokenized(entities, places, None, None)
        mask = observations[MASK_KEY] if self.schema.has_mask else None
        entities, places = self.entities(observations[self.schema.kind], mask)
        words = None
        if self.words is not None:
            words = self.words(observations[WORDS_KEY], observations.get(WORDS_MASK_KEY))
        summary = None if self.summary is None else self.summary(observations)
        return Tokenized(entities, places, words, summary)
