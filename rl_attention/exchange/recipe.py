"""What an extractor is beside its weights: the text that goes into its file."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rl_attention.errors import UserError
from rl_attention.exchange.options import options_of
from rl_attention.exchange.spaces import describe
from rl_attention.extractors import EXTRACTORS
from rl_attention.extractors.base import TokenExtractor
from rl_attention.json_fields import Fields

FORMAT = 1


@dataclass(frozen=True)
class Recipe:
    """How an extractor was built.

    Attributes:
        extractor: A key of `EXTRACTORS`.
        options: All its options, as plain JSON.
        features_dim: Size of the features.
        space: The observations that it was built for; see `rl_attention.exchange.spaces`.
        format: Version of this form.
    """

    extractor: str
    options: dict[str, Any]
    features_dim: int
    space: dict[str, dict[str, Any]]
    format: int = FORMAT

    @property
    def has_image(self) -> bool:
        """Whether a part has rows, columns and channels."""
        shapes = (part.get("shape") for part in self.space.values())
        return any(isinstance(shape, list) and len(shape) == 3 for shape in shapes)


def recipe_of(extractor: TokenExtractor) -> Recipe:
    """Tell how an extractor was built.

    Args:
        extractor: An extractor.

    Raises:
        UserError: Its class is not one of ours, or it does not know its options.
    """
    names = {cls: name for name, cls in EXTRACTORS.items()}
    cls = type(extractor)
    if cls not in names or not hasattr(extractor, "built_with"):
        classes = ", ".join(known.__name__ for known in EXTRACTORS.values())
        raise UserError(
            f"expected an extractor that its constructor built, of the class {classes}, got a "
            f"{cls.__name__}: save and load the weights of other classes by model.save"
        )
    space = extractor._observation_space
    return Recipe(names[cls], options_of(extractor), extractor.features_dim, describe(space))


def encode(recipe: Recipe) -> str:
    """Write a recipe as one line of JSON, equal recipes alike."""
    return json.dumps(asdict(recipe), allow_nan=False, sort_keys=True)


def decode(text: str, path: Path) -> Recipe:
    """Read a recipe that anyone may have written.

    Args:
        text: JSON.
        path: The file that it came from.

    Raises:
        UserError: It is not what `encode` writes.
    """
    try:
        data = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise UserError(f"{path}: expected how the extractor was built as JSON, got something else")
    fields = Fields(data, path)
    version = fields.whole("format")
    if version != FORMAT:
        raise UserError(
            f"{path}: expected an extractor in format {FORMAT}, got {version}: save it again with "
            "this version of rl-attention"
        )
    space = fields.below("space")
    return Recipe(
        extractor=fields.name("extractor"),
        options=dict(fields.below("options").data),
        features_dim=fields.whole("features_dim"),
        space={key: dict(space.below(key).data) for key in space.data},
    )


def _refuse_constant(name: str) -> None:
    """NaN and Infinity are no JSON."""
    raise ValueError(name)
