"""One seed for a vector environment, one stream for each of its copies."""

import numpy as np


def spread_seed(seed: int | None, count: int) -> list[int]:
    """Return ``count`` independent seeds made from one.

    Consecutive integers would make the vector environments of neighbouring seeds share all their
    copies but one, so the seeds are hashed apart.

    Args:
        seed: Any non-negative integer; None takes entropy from the operating system.
        count: Number of seeds.

    Returns:
        Seeds below ``2**31``, as EnvPool wants them.
    """
    words = np.random.SeedSequence(seed).generate_state(count, np.uint32)
    return [int(word) >> 1 for word in words]
