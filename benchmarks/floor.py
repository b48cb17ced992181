"""The floor: what the default arm would take if all it did were matrix products at full speed."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measure import passes_to_last, seconds_a_pass

SQUARE = (1024, 1024, 1024)
SKINNY = (4096, 64, 64)
"""One linear layer of width 64 over the tokens of a minibatch."""

_LEAST_SECONDS = 0.2


def count_operations(work: Callable[[], object]) -> int:
    """Count the multiplications and additions of all matrix products in some work.

    Compiled parts run uncompiled, so that none is missed; what is no matrix product is not counted.

    Args:
        work: Anything that calls torch.
    """
    counter = FlopCounterMode(display=False, custom_mapping=_cpu_attention())
    with torch.compiler.set_stance("force_eager"), counter:
        work()
    return int(counter.get_total_flops())


def _cpu_attention() -> dict[Any, Callable[..., int]]:
    """Formulas for the CPU's fused attention, which the counter does not know.

    Two products forward, and four back: what is computed again to save memory is not counted.
    """

    def forward(query: Sequence[int], key: Sequence[int], *_: Any, **__: Any) -> int:
        return 2 * _product_of_heads(query, key)

    def backward(_: Any, query: Sequence[int], key: Sequence[int], *__: Any, **___: Any) -> int:
        return 4 * _product_of_heads(query, key)

    aten = torch.ops.aten
    return {
        aten._scaled_dot_product_flash_attention_for_cpu: forward,
        aten._scaled_dot_product_flash_attention_for_cpu_backward: backward,
    }


def _product_of_heads(query: Sequence[int], key: Sequence[int]) -> int:
    batch, heads, n_queries, size = query
    return 2 * batch * heads * n_queries * key[-2] * size


def make_rate_timer(shape: tuple[int, int, int], *, quick: bool = False) -> Callable[[], float]:
    """Make what measures this machine's rate of matrix products, in operations a second.

    Args:
        shape: Rows, inner size and columns of the product.
        quick: Time one product only.
    """
    rows, inner, columns = shape
    first, second = torch.randn(rows, inner), torch.randn(inner, columns)
    out = torch.empty(rows, columns)

    def work() -> None:
        torch.mm(first, second, out=out)

    passes = passes_to_last(work, 0.0 if quick else _LEAST_SECONDS)
    return lambda: 2.0 * rows * inner * columns / seconds_a_pass(work, passes)
