"""Pixels and polygons of a text spotter: input images, regions, masks and word crops."""
