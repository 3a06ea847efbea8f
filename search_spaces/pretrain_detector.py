"""The detector of a compact spotter: ``python -m raygroup.pretrain --scenes PATH``.

Some two thousand small steps on rendered scenes find most words of other rendered scenes. The last steps, in which the learning rate
falls, are worth the most. Photographs have larger words and less light than most scenes: so a sample may show a scene at a small scale,
and a quarter of the samples is dim.

Expected: detection (task 1 of MLT19) H of at least 0.86 on rendered scenes with words that were never trained on.
"""

from raygroup.spotter_config import Detector, Samples

detector = Detector(samples=Samples(smallest_zoom=0.4, dim=0.25))
