"""Stage 1 at laptop scale (paper 4.2): one trunk and one universal head for all seven tasks, from many rendered words.

Expected: features on which a small head reads new renders of known words, and words it never saw, of every script; words kept
unseen here are the ones every sweep keeps unseen.
"""

from raygroup.config import Pretraining, Words

pretraining = Pretraining(words=Words(words_per_task=3000, unseen_per_task=200, renders=4), steps=12000, head_steps=4000)
