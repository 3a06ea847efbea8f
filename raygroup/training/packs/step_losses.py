"""The losses of a step for all trials of a pack.

Shapes: k trials, t tasks, m heads of the largest trial (smaller trials are padded), h heads of all
trials side by side, w words, n characters.
"""

import torch
from torch import Tensor

from raygroup.config import Trial
from raygroup.model.grouping import task_model_probabilities, word_model_probabilities
from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import Kernels
from raygroup.model.losses import control_probabilities, grouping_loss, integrated_loss, sequence_loss, task_loss, word_weights
from raygroup.model.task_classifier import TaskClassifiers
from raygroup.training.packs.by_task.task_words import task_sums
from raygroup.training.packs.inputs import StepInputs
from raygroup.training.packs.loss_average import task_losses
from raygroup.training.packs.trial_tensors import TrialTensors


class StepLosses:
    """Computes the losses of a step from the weights of a pack."""

    def __init__(
        self, bank: HeadBank, classifiers: TaskClassifiers, r_ktm: Tensor, settings: TrialTensors, common: Trial, kernels: Kernels
    ) -> None:
        """``common`` is any trial: only shared settings are read from it."""
        self.bank, self.classifiers, self.r_ktm = bank, classifiers, r_ktm
        self.settings, self.common, self.kernels = settings, common, kernels
        self.fixed = common.grouping.is_fixed
        self.trains_classifier = not common.grouping.is_cover or bool((settings.task > 0).any())
        per_word = common.grouping.heads_per_word
        self.inclusion = per_word / common.heads.count if per_word else 1.0
        """Probability that a head reads a word."""

    def __call__(self, inputs: StepInputs) -> tuple[Tensor, Tensor]:
        """Return the share of these words in the losses of a step.

        The first result is the loss to descend, summed over trials. The second are the losses of
        the record, (k, m + 3), without gradients. If the trials gather evidence, the sums of
        ``task_sums`` follow in each row, and if losses drive R_TM, the columns of ``task_losses``
        come last. The loss reaches every weight, with zeros if
        there are no words. So every worker has the same gradients to sum.
        """
        p_ktm = self._sample_assignments(inputs.noise)
        words = inputs.words.to(self.r_ktm.dtype)
        recognition, nll_kwm, p_kwm = self._recognition_losses(inputs, words, p_ktm)
        settings, loss, num_words = self.settings, self.common.loss, self.common.training.batch
        grouping = self._grouping_losses(p_ktm, inputs.is_first)
        # Without its loss, a bank of group heads leaves out the classifier, which would take a fifth of the step.
        task = task_loss(self.classifiers(words), inputs.p_wt, num_words) if self.trains_classifier else grouping * 0
        integrated = integrated_loss(p_kwm.detach(), nll_kwm / self.inclusion, settings.base_coefficient, loss.words, num_words)
        total = recognition.sum() + (settings.grouping * grouping).sum() + (settings.task * task).sum()
        losses = [integrated[:, None], grouping.detach()[:, None], task.detach()[:, None]]
        if self.common.training.evidence != "none":
            losses.append(task_sums(nll_kwm, inputs.p_wt))
        if self.common.grouping.assignment == "loss":
            losses.append(task_losses(inputs.p_wt, nll_kwm, self._is_read(inputs)))
        num_read = num_words if inputs.num_read is None else inputs.num_read
        return total, torch.cat([nll_kwm.sum(1) / num_read, *losses], 1)

    def _sample_assignments(self, noise: Tensor) -> Tensor:
        """Return P_TM of a step.

        It is (k, 1, t, m), or (k, w, t, m) if every word has its own draw. In a bank of group heads it is 1 for all heads whose group
        has the task, so its rows need not sum to one.
        """
        if self.common.grouping.is_cover:
            return (self.r_ktm > 0)[:, None].to(self.r_ktm.dtype)
        if self.fixed:
            return self.r_ktm.softmax(-1)[:, None]
        return task_model_probabilities(self.r_ktm[:, None], noise, self.settings.temperature)

    def _grouping_losses(self, p_ktm: Tensor, is_first: bool) -> Tensor:
        """Eq. (9): return the grouping loss of each trial, (k,).

        If every word has its own draw, it is the mean over the words of the step. Otherwise it does
        not depend on words, and only the first share counts it.
        """
        grouping, min_tasks = self.common.grouping, self.settings.charged_min_tasks(self.r_ktm)
        if grouping.penalty_on == "sample" and grouping.sample == "word" and not self.fixed:
            return grouping_loss(p_ktm, min_tasks).sum(-1) / self.common.training.batch
        penalised = p_ktm[:, 0] if grouping.penalty_on == "sample" else self.r_ktm.softmax(-1)
        return grouping_loss(penalised, min_tasks[:, 0]) * float(is_first)

    def _recognition_losses(self, inputs: StepInputs, words: Tensor, p_ktm: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the loss of each head, NLL_WM and P_WM.

        They are (h,), (k, w, m) and (k, w, m). NLL_WM has no gradients.
        """
        settings, loss = self.settings, self.common.loss
        p_kwm = word_model_probabilities(inputs.p_wt, p_ktm)
        if self.common.grouping.control:
            p_kwm = control_probabilities(p_kwm, settings.heads)
        num_words = self.common.training.batch
        weights = word_weights(p_kwm, inputs.lengths, settings.base_coefficient, loss.length, loss.words, num_words)
        weights = settings.recognition * weights
        # The bank wants weights for its own heads and for characters, (h, n).
        weights_hw, before = weights[settings.trial_of_head, :, settings.place_of_head], inputs.inputs
        if inputs.own_words is None:
            weights_hn, before = weights_hw[:, inputs.owners], before[settings.trial_of_head]
        else:
            weights_hn = weights_hw.gather(1, inputs.owners) / self.inclusion
        if inputs.counted is not None:
            weights_hn = weights_hn * inputs.counted
        totals, nll = self.bank.losses(words, before, inputs.characters, inputs.active, weights_hn, self.kernels, inputs.own_words)
        nll = nll if inputs.counted is None else nll * inputs.counted
        nll_wh = sequence_loss(nll, inputs.owners, inputs.lengths, loss.length)
        nll_kwm = torch.where(settings.is_head[:, None], nll_wh.T[settings.head_at].transpose(1, 2), 0.0)
        return totals, nll_kwm.contiguous(), p_kwm

    def _is_read(self, inputs: StepInputs) -> Tensor:
        """Return which words count for which head, (k, w, m), or (1, w, 1) if it does not depend on the head."""
        if inputs.own_words is None or inputs.counted is None:
            return (inputs.lengths > 0)[None, :, None]
        characters_hw = inputs.counted.new_zeros(len(inputs.owners), len(inputs.lengths)).scatter_add(1, inputs.owners, inputs.counted)
        return (characters_hw[self.settings.head_at] > 0).transpose(1, 2)
