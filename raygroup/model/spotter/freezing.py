"""Freeze parts of a network, its batch statistics included."""

from collections.abc import Iterable

from torch import nn


class FreezableNetwork(nn.Module):
    """A module whose parts can be frozen.

    A frozen part gets no gradients and stays in evaluation mode, so its batch normalisations keep
    their statistics and use them. ``train()`` does not thaw it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.frozen: frozenset[str] = frozenset()

    def freeze(self, parts: Iterable[str]) -> None:
        """Freeze these parts, and thaw all others.

        A part is the dotted name of a module, such as ``trunk`` or ``trunk.stages.0``. Raises
        ValueError with the valid names if there is no such part.
        """
        parts = frozenset(parts)
        modules = dict(self.named_modules())
        unknown = sorted(name for name in parts if not name or name not in modules)
        if unknown:
            raise ValueError(f"no part {', '.join(unknown)}: parts are {', '.join(name for name, _ in self.named_children())}, and theirs")
        self.requires_grad_(True)
        self.frozen = parts
        for name in parts:
            modules[name].requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> "FreezableNetwork":
        super().train(mode)
        for name in self.frozen:
            self.get_submodule(name).eval()
        return self
