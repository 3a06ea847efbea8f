"""The geometry of the trunk: the crops it reads and the word features it returns."""

HEIGHT = 32
"""Height in pixels of a word crop."""
WIDTH = 96
"""Width in pixels of a word crop."""
POSITIONS = 24
"""Number of positions in the features of one word, from left to right."""
FEATURES = 256
"""Number of features at each position."""
CROP_SIZE = (HEIGHT, WIDTH)
FEATURE_SHAPE = (POSITIONS, FEATURES)
"""Shape of one word's features."""
FEATURE_GRID = (1, POSITIONS)
"""Rows and columns that the positions form. A laptop trunk keeps one row."""
