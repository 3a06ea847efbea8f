"""Compute the losses of a spotter on one worker's samples of a step.

Draws are keyed by seed, purpose, step and sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from raygroup.model.laptop_trunk import Trunk
from raygroup.model.spotter.spotter import Spotter
from raygroup.randomness import generator
from raygroup.spotting.regions import RegionSettings, find_regions
from raygroup.spotting_config import Spotting
from raygroup.training.packs.sharding import WorkerRank
from raygroup.training.spotter.map_losses import map_losses
from raygroup.training.spotter.network_training import normalised_samples
from raygroup.training.spotter.region_targets import BoxRegions, box_regions
from raygroup.training.spotter.spotter_batch import WordBatch, box_batch, word_batch
from raygroup.training.spotter.spotter_losses import (
    Sums,
    box_sums,
    distillation_sums,
    language_sums,
    mask_sums,
    reading_sums,
    stack_sums,
)
from raygroup.training.spotter.spotter_samples import SpotterSample
from raygroup.words.charset import Charset


class StepSums(NamedTuple):
    """The losses of one worker's samples, in the order of ``LOSSES``."""

    totals: Tensor
    """The sum of each loss over samples, with gradients."""
    counts: Tensor
    """The number to divide each by."""
    left_out: Tensor
    """Number of words that the heads cannot write, (1,). Recognition leaves them out."""


@dataclass(frozen=True, eq=False)
class StepLosses:
    """The losses of a network. Those whose weight is 0 are not computed where that saves work."""

    network: Spotter
    settings: Spotting
    charset: Charset
    teacher: Trunk | None
    """The word trunk whose features words should have."""
    worker: WorkerRank
    device: str
    dtype: torch.dtype

    def sums(self, step: int, samples: Sequence[SpotterSample]) -> StepSums:
        """Return the sums and counts of all losses."""
        loss = self.settings.loss
        pixels = normalised_samples(np.stack([sample.pixels for sample in samples]), self.settings.size, self.device, self.dtype)
        fused, sums = self.network.fused_features(pixels), Sums()
        needs_map = loss.dice or loss.cross_entropy or self.settings.regions.from_map
        logits = self.network.segmentation(fused) if needs_map else None
        if logits is not None and (loss.dice or loss.cross_entropy):
            sums |= self._map_sums(logits, samples)
        if loss.box_score or loss.box_change:
            sums |= self._box_sums(step, fused, logits, samples)
        words = word_batch(samples, self.charset, self.device, self.dtype)
        sums |= self._word_sums(step, fused, words)
        left_out = len(words.tasks) - sums["recognition"][1] if "recognition" in sums else 0.0
        return StepSums(*stack_sums(sums, fused), fused.new_tensor([left_out]))

    def _map_sums(self, logits: Tensor, samples: Sequence[SpotterSample]) -> Sums:
        text, weight = (
            torch.from_numpy(np.stack([getattr(sample.maps, name) for sample in samples])).to(self.device, self.dtype)
            for name in ("kernels", "weights")
        )
        sums = map_losses(logits, text, weight, self.settings.loss.hard_negatives)
        counts = sums.counts.tolist()
        return {"dice": (sums.totals[0], counts[0]), "cross_entropy": (sums.totals[1], counts[1])}

    def _box_sums(self, step: int, fused: Tensor, logits: Tensor | None, samples: Sequence[SpotterSample]) -> Sums:
        regions = [
            self._box_regions(step, place, sample, None if logits is None else logits[place]) for place, sample in enumerate(samples)
        ]
        batch = box_batch(regions, self.device, self.dtype)
        logits, changes = self.network.score_boxes(fused, batch.boxes, batch.images, batch.masks)
        return box_sums(logits, changes, batch.labels, batch.deltas)

    def _box_regions(self, step: int, place: int, sample: SpotterSample, logits: Tensor | None) -> BoxRegions:
        settings, side = self.settings.regions, self.settings.samples.side
        proposals = list(sample.proposals)
        if settings.from_map and logits is not None:
            proposals += find_regions(logits.detach().sigmoid().float().cpu().numpy(), RegionSettings(least_score=0.0)).polygons
        number = self.worker.rank + place * self.worker.world
        random = generator(self.settings.seed, "spotter proposals", step, number)
        box_size = self.network.shape.box_size
        return box_regions(proposals, sample.polygons, sample.is_ignored, side, box_size, settings, random)

    def _word_sums(self, step: int, fused: Tensor, words: WordBatch) -> Sums:
        loss, heads, network = self.settings.loss, self.settings.heads, self.network
        sums, planes = Sums(), fused[:0]
        if loss.mask or loss.language or heads.source != "rectangles":
            features = network.word_features(fused, words.boxes, words.images, words.masks)
            sums, planes = mask_sums(features.mask_logits, words.instance_masks), features.planes
            sums |= language_sums(features.task_logits, words.tasks)
        if not (loss.recognition or loss.distillation):
            return sums
        read = network.read_features(fused, words.images, planes, words.rectangles)
        if self.teacher is not None:
            with torch.no_grad():
                targets = self.teacher(words.crops) if len(words.crops) else read.detach()  # a trunk cannot normalise no crops
            sums |= distillation_sums(read, targets)
        if loss.recognition:
            noise = generator(self.settings.seed, "spotter gumbel", step).gumbel(size=tuple(network.r_tm.shape))
            gumbel = torch.from_numpy(noise).to(self.device, self.dtype)
            is_first = self.worker.rank == 0
            sums |= reading_sums(network.recognition, read, words.labels, words.tasks, network.r_tm, gumbel, heads, is_first)
        return sums
