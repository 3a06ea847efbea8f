"""A backend that knows where the words are: it draws their kernels as the map of text."""

import numpy as np

from raygroup.training.spotter.segmentation_targets import segmentation_targets


class KernelMaps:
    """Maps of text for words with these polygons, in pixels of the network's input."""

    name = "kernels"

    def __init__(self, polygons, probability=0.99):
        self.polygons, self.probability = polygons, probability

    def maps(self, images):
        shape = images.shape[2:]
        kernels = segmentation_targets(self.polygons, np.zeros(len(self.polygons), bool), shape).kernels
        return (self.probability * kernels[None]).astype(np.float32)
