"""The detector of a compact spotter: ``python -m raygroup.pretrain --scenes PATH``.

Some two thousand small steps on rendered scenes find most words of other rendered scenes. The last steps, in which the learning rate
falls, are worth the most.

Expected: detection (task 1 of MLT19) H of at least 0.86 on rendered scenes with words that were never trained on.
"""

from raygroup.spotter_config import Detector

detector = Detector()
