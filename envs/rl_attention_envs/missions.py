"""Mission bytes to rows of numbers, each distinct mission worked out once."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


class MissionCoder:
    """Turns batches of zero-padded mission bytes into rows, and remembers the rows.

    Missions repeat for ever while an agent trains, so the cost of a known one is a dictionary
    look-up. The memory is bounded: the grammar of the BabyAI bosses is practically endless.

    Args:
        encode: Makes one row from one mission.
        width: Length of a row.
        dtype: Type of a row.
        capacity: Number of missions to remember.
    """

    def __init__(
        self,
        encode: Callable[[str], NDArray[np.generic]],
        *,
        width: int,
        dtype: type[np.generic],
        capacity: int = 4096,
    ) -> None:
        self.width = width
        self.dtype = dtype
        self._encode = encode
        self._capacity = capacity
        self._rows: dict[bytes, NDArray[np.generic]] = {}

    def __call__(self, missions: NDArray[np.uint8]) -> NDArray[np.generic]:
        """Return the rows of a batch of missions.

        Args:
            missions: Zero-padded bytes, `B M`.

        Returns:
            A new array, `B width`.
        """
        rows = np.empty((len(missions), self.width), self.dtype)
        for index, mission in enumerate(missions):
            rows[index] = self._row(mission.tobytes())
        return rows

    def _row(self, mission: bytes) -> NDArray[np.generic]:
        row = self._rows.get(mission)
        if row is None:
            if len(self._rows) >= self._capacity:
                self._rows.clear()
            row = self._encode(mission.rstrip(b"\0").decode("ascii"))
            self._rows[mission] = row
        return row
