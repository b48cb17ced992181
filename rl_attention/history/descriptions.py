"""What is in a window, in words: the answers of `describe_entities` over the last steps."""

from collections import deque
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rl_attention.errors import UserError
from rl_attention.recording.tokens import STEP, when

Answer: TypeAlias = Mapping[str, Any]


class Descriptions:
    """The answers of the environments, as far as somebody has asked.

    Nobody is asked in training, where pictures and names would cost more than the step itself. Who
    asks at every step of an episode is told of every frame; the others have no names.

    Args:
        n_envs: Environments.
        n_frames: `T`.
        n_rows: Rows of a frame, `N`.
    """

    def __init__(self, n_envs: int, n_frames: int, n_rows: int) -> None:
        self._n_frames, self._n_rows = n_frames, n_rows
        self._answers: list[deque[Answer | None]] = [
            deque([None] * n_frames, maxlen=n_frames) for _ in range(n_envs)
        ]

    def slide(self) -> None:
        """Make room for the answers about one more frame."""
        for answers in self._answers:
            answers.append(None)

    def tell(self, index: int, answer: Answer, shown: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Describe the window of one environment.

        Args:
            index: The environment.
            answer: What it says of the newest frame.
            shown: What the window shows; see `Window`.

        Returns:
            The newest answer, with names and types for the rows of all frames, oldest first, and
            then for the steps. Rows of past frames have no box: the picture is that of now.

        Raises:
            UserError: An answer has not one item for each row.
        """
        self._answers[index][-1] = answer
        return self.imagine(index, answer, shown)

    def imagine(
        self, index: int, answer: Answer, shown: Mapping[str, NDArray[Any]]
    ) -> dict[str, Any]:
        """Describe a window whose newest frame is as it never was; it is not remembered.

        Args:
            index: The environment.
            answer: What would be said of the newest frame.
            shown: What the window shows; see `Window`.

        Returns:
            As of `tell`.

        Raises:
            UserError: An answer has not one item for each row.
        """
        answers = [*list(self._answers[index])[:-1], answer]
        steps = shown["frames_steps"][index].astype(bool)
        told = dict(answer)
        if "labels" in answer:
            stems = self._texts(answers, "labels", steps)
            rows = [[f"{when(age)} {text}" if text else "" for text in row] for age, row in stems]
            ends = [f"{when(age)} {STEP}" for age in self._ages]
            told["labels"] = self._joined(rows, ends, steps)
        if "types" in answer:
            rows = [row for _, row in self._texts(answers, "types", steps)]
            told["types"] = self._joined(rows, [STEP] * self._n_frames, steps)
        if "boxes" in answer:
            boxes = np.zeros(
                (self._n_frames * (self._n_rows + 1), 4), np.asarray(answer["boxes"]).dtype
            )
            newest = slice((self._n_frames - 1) * self._n_rows, self._n_frames * self._n_rows)
            boxes[newest] = self._checked("boxes", answer)
            told["boxes"] = boxes
        return told

    @property
    def _ages(self) -> range:
        return range(1 - self._n_frames, 1)

    def _texts(
        self, answers: list[Answer | None], key: str, steps: NDArray[np.bool_]
    ) -> list[tuple[int, list[str]]]:
        """Give the texts of each step, none where nobody has asked or an episode had not begun."""
        nothing = [""] * self._n_rows
        return [
            (
                age,
                list(self._checked(key, answer)) if answer and key in answer and real else nothing,
            )
            for age, answer, real in zip(self._ages, answers, steps, strict=True)
        ]

    def _checked(self, key: str, answer: Answer) -> Any:
        given = answer[key]
        if len(given) != self._n_rows:
            raise UserError(
                f"{key!r} must have one item for each of the {self._n_rows} rows of a frame, "
                f"padding too, got {len(given)}"
            )
        return given

    def _joined(
        self, rows: list[list[str]], ends: list[str], steps: NDArray[np.bool_]
    ) -> list[str]:
        named = [end if real else "" for end, real in zip(ends, steps, strict=True)]
        return [text for row in rows for text in row] + named
