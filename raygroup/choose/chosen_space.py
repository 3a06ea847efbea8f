"""Write the search space that trains a chosen grouping."""

import json
from dataclasses import fields, is_dataclass
from typing import Any

from raygroup.config import Grouping, Loss, Trial
from raygroup.tables.choices.choice import Choice
from raygroup.task_groups import groups_text
from raygroup.tasks import by_paper_order

_LONGEST_LINE = 130
SEEDS = (10, 11, 12)
"""Seeds of the training. They differ from those that usually choose."""


def chosen_search_space(choice: Choice, name: str, weights: str | None) -> str:
    """Return the text of a search space that trains the chosen grouping with the recipe of the group heads.

    ``weights`` is the file of the universal head that the group heads start from, or None for the file that their settings name.
    """
    bank = choice.settings_of.settings
    ordered = sorted((by_paper_order(set(group)) for group in choice.chosen.groups), key=lambda group: choice.cache.tasks.index(group[0]))
    trial = bank.replaced("grouping", Grouping(method="explicit", groups=tuple(ordered), base_coefficient=0.0))
    trial = trial.replaced("heads.count", len(ordered)).replaced("heads.embed", bank.heads.embeds[0])
    trial = trial.replaced("heads.hidden", bank.heads.hiddens[0]).replaced("loss", Loss(grouping=0.0)).replaced("seed", 0)
    if weights is not None:
        trial = trial.replaced("weights.file", weights)
    body, sections = _source(trial, Trial(), "    ")
    seeds = tuple(seed for seed in SEEDS if seed not in choice.cache.seeds) or SEEDS
    return f'''"""The grouping {groups_text(choice.chosen.groups)}, which ``python -m raygroup.choose`` chose from {choice.sweep.name}."""

from raygroup.config import {", ".join(sorted({"Trial", *sections}))}
from raygroup.search_space import Sweep

sweep = Sweep(
    name={_literal(name)},
    trial={body},
    seeds={_literal(seeds)},
)
'''


def _source(section: Any, default: Any, indent: str) -> tuple[str, set[str]]:
    """Return a settings section as Python source, and the names of the classes in it. Fields at their default are left out."""
    name, inner = type(section).__name__, f"{indent}    "
    parts, names = [], {name}
    for each in fields(section):
        value, usual = getattr(section, each.name), getattr(default, each.name)
        if value == usual:
            continue
        if is_dataclass(value):
            text, used = _source(value, type(usual)(), inner)
            names |= used
        else:
            text = _literal(value)
        parts.append(f"{each.name}={text}")
    line = f"{name}({', '.join(parts)})"
    if "\n" not in line and len(inner) + len(line) <= _LONGEST_LINE:
        return line, names
    return f"{name}(\n{''.join(f'{inner}{part},{chr(10)}' for part in parts)}{indent})", names


def _literal(value: object) -> str:
    """Return a value as Python source, texts in double quotes."""
    if isinstance(value, tuple):
        inside = ", ".join(map(_literal, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
