"""Stage 1 of the words that a spotter reads: ``python -m raygroup.pretrain pretrain_spotter_reader --words DATA/words --from laptop``.

``raygroup.data render`` writes scenes with 600 characters of each task, and the shipped weights know 30 to 400. So 12,000 words of
each task with these characters are rendered beside those that were cut out of scenes, each once: many words teach more than many images
of few words. The shipped trunk is aligned already, so the auxiliary loss, which would take half of the time, is off.

Expected: the universal head reads words of other rendered scenes, cut out with a margin of 0.1.
"""

from raygroup.config import Heads, Pretraining, Words

pretraining = Pretraining(
    words=Words(characters=(600,) * 7, words_per_task=2000, unseen_per_task=100, renders=1, max_characters=14, seed=1),
    steps=9000,
    head_steps=500,
    learning_rate=2e-3,
    connectionist=0.0,
    heads=Heads(count=1, start="independent"),
    draw="task",
    rehearsal=12_000,
    jitter=0.1,
)
