"""Count the operators of a training step that do work."""

from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile

VIEWS = {"aten::view", "aten::as_strided", "aten::slice", "aten::select", "aten::expand", "aten::transpose", "aten::permute", "aten::t",
         "aten::unsqueeze", "aten::squeeze", "aten::reshape", "aten::unfold", "aten::_unsafe_view", "aten::detach", "aten::alias",
         "aten::empty", "aten::empty_like", "aten::empty_strided", "aten::resolve_conj", "aten::resolve_neg", "aten::resize_", "aten::to",
         "aten::_local_scalar_dense", "aten::as_strided_", "aten::_reshape_alias", "aten::result_type", "aten::flatten",
         "aten::lift_fresh"}  # fmt: skip
"""Operators that launch no kernel."""


def count_operators(step: Callable[[], object], prefixes: tuple[str, ...]) -> int:
    """Count the operators of a step, without views.

    Only names that start with one of the prefixes count.
    """
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step()
    names = [event.name for event in profiler.events() if not event.cpu_children]
    return sum(name.startswith(prefixes) and name not in VIEWS for name in names)
