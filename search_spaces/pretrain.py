"""Stage 1 at laptop scale (paper 4.2), on many rendered words.

It trains one trunk and one universal head for all seven tasks.

Expected: a small head on these features reads new renders of known words, and words it never saw, in
every script. Words that are unseen here are also unseen in every sweep.
"""

from raygroup.config import Pretraining, Words

pretraining = Pretraining(words=Words(words_per_task=3000, unseen_per_task=200, renders=4), steps=12000, head_steps=4000)
