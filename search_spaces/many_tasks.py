"""Twenty planted tasks, parts of seven languages. Hypothesis: a probe's grouping reads as well as the plan, which keeps the parts of a
language together, and better than one head, one for each task, three groupings dealt at random, and the paper's learned one.
"""

from raygroup.config import Heads, Pretraining, Training, Trial, Words
from raygroup.search_space import Sweep
from raygroup.task_groups import dealt_groups, groups_by_label
from raygroup.tasks import language_of

WORDS = Words(parts=(3, 3, 3, 3, 3, 3, 2), characters=(40, 40, 160, 40, 100, 80, 52), words_per_task=100, unseen_per_task=100, renders=2)
STAGE_1 = Pretraining(
    words=WORDS, start="laptop", steps=0, head_steps=1200, batch=48, head_learning_rate=1.2e-2,
    heads=Heads(count=1, start="independent", embed=16, hidden=16),
)  # fmt: skip
TASKS = WORDS.task_names
GIVEN = {"plan": groups_by_label(TASKS, map(language_of, TASKS)), **{f"dealt {seed}": dealt_groups(TASKS, 7, seed) for seed in (1, 2, 3)}}
FIELDS = "heads.count,grouping.method,grouping.groups,grouping.base_coefficient,grouping.probe,training.evidence_words"
WAYS = (
    ("one head", 1, "gumbel", (), 0.2, 0.0, 0), ("gumbel", 7, "gumbel", (), 0.2, 0.0, 0), ("probe", 7, "probe", (), 0.0, 1 / 6, 24),
    *((name, 7, "explicit", groups, 0.0, 0.0, 0) for name, groups in GIVEN.items()),
    ("one per task", 20, "one-per-task", (), 0.0, 0.0, 0),
)  # fmt: skip
sweep = Sweep(
    name="many_tasks",
    after=Sweep(name="stage1_many_tasks", trial=STAGE_1),
    trial=Trial(words=WORDS, heads=Heads(embed=16, hidden=16), training=Training(steps=900, batch=32, learning_rate=7e-3, order="seed")),
    grid={f"way:{FIELDS}": WAYS},
    seeds=(0, 1, 2),
)
