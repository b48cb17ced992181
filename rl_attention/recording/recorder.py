"""Listening to the probes of a module."""

from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from rl_attention.errors import UserError
from rl_attention.nn.probe import Probe, read_call
from rl_attention.recording.maps import AttentionMap


class Recorder:
    """Keep what the probes of a module see, while the context is open.

    `maps` holds the maps of the last forward pass, in the order in which the probes fired. A probe
    that fires again within one pass (shared weights) gets `#1`, `#2`, ... behind its name. Hooks
    copy and never change: outputs, modes, random state and state dict stay as they are. Nothing is
    hooked before the context is entered or after it is left.

    Args:
        module: Any module that holds `Probe` modules.

    Raises:
        UserError: On entering, if the module holds no probe.
    """

    def __init__(self, module: nn.Module) -> None:
        self.maps: dict[str, AttentionMap] = {}
        self._module = module
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> "Recorder":
        probes = {n: m for n, m in self._module.named_modules() if isinstance(m, Probe)}
        if not probes:
            raise UserError(
                f"{type(self._module).__name__} holds no Probe: nothing to record; "
                "pass its attention weights through rl_attention.nn.probe.Probe"
            )
        self.maps = {}
        self._handles = [self._module.register_forward_pre_hook(self._start)]
        for name, probe in probes.items():
            self._handles.append(probe.register_forward_hook(self._listen(name), with_kwargs=True))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _start(self, module: nn.Module, arguments: Any) -> None:
        if not isinstance(module, Probe):  # a bare probe may be listened to over many calls
            self.maps = {}

    def _listen(self, name: str) -> Any:
        def keep(probe: Probe, arguments: tuple[Any, ...], named: Any, weights: Tensor) -> None:
            query_mask, key_mask = read_call(arguments, named)
            free = name
            repeat = 0
            while free in self.maps:
                repeat += 1
                free = f"{name}#{repeat}"
            self.maps[free] = AttentionMap(
                name=free,
                weights=_copied(weights, np.float32),
                queries=probe.queries,
                keys=probe.keys,
                query_mask=_copied(query_mask, np.bool_),
                key_mask=_copied(key_mask, np.bool_),
            )

        return keep


def _copied(tensor: Tensor, dtype: type[np.generic]) -> NDArray[Any]:
    # numpy has no bfloat16, so floats are widened by torch; the copy cuts all ties to the network
    plain = tensor.detach().cpu()
    plain = plain.float() if plain.is_floating_point() else plain
    return np.array(plain.numpy(), dtype=dtype)
