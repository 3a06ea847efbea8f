"""What one head that reads all planted tasks leaves behind for strategies: cosines of the tasks' gradients, and lookahead losses.

Expected: the gradients of twins agree best, so that gradient cosines find the plan. ``reproduce strategies`` reads the evidence.
"""

from raygroup.config import Grouping, Heads, Training, Trial
from raygroup.search_space import Sweep, load

PLANTED = load("planted")
sweep = Sweep(
    name="evidence_planted",
    after=PLANTED.after,
    trial=Trial(
        words=PLANTED.trial.words,
        heads=Heads(count=1, embed=16, hidden=16),
        grouping=Grouping(base_coefficient=0.0),
        training=Training(steps=100, batch=16, learning_rate=7e-3, order="seed", evidence="lookahead", evidence_words=24),
    ),
    seeds=(100, 101, 102),
)
