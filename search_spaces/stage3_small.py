"""Stage 3 against stage 2, at every number of heads, paired over six seeds.

Each head goes on with the words of its group alone, without the base coefficient that keeps idle heads alive in stage 2.

Hypothesis (paper 4.2): stage 3 reads unseen words better than stage 2. One head has no foreign words, so it shows what more steps gain.
"""

from raygroup.config import Finetuning, Training
from raygroup.search_space import Sweep, load

sweep = Sweep(
    name="stage3_small",
    after=load("stage2_small"),
    trial=Finetuning(training=Training(steps=600, batch=16, learning_rate=3.5e-3, order="seed")),
)
