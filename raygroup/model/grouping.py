"""The grouping module: it samples heads for tasks and routes words.

It has the paper's equations 3, 4 and 7. Shapes: w words, t tasks, m heads. R_TM (t, m) holds the
trained assignment weights.
"""

import torch
from torch import Tensor


def initial_assignment(tasks: int, heads: int) -> Tensor:
    """Return R_TM (t, m) before training.

    It is all ones, so every head is equally likely for every task (section 3.1).
    """
    return torch.ones(tasks, heads)


def chosen_heads(r_tm: Tensor) -> Tensor:
    """Return which heads are the most probable head of a task, (..., m) bool.

    ``r_tm`` is (..., t, m). Of equally probable heads the first counts.
    """
    is_chosen = torch.zeros_like(r_tm[..., 0, :], dtype=torch.bool)
    return is_chosen.scatter(-1, r_tm.argmax(-1), True)


def assignment_from_losses(losses: Tensor, words: Tensor, gain: float | Tensor) -> Tensor:
    """Return R_TM (..., t, m) from losses: 1 - ``gain`` times how much worse than the mean head a head reads a task.

    ``losses`` are the summed losses of each task's words under each head, and ``words`` the numbers
    of words. Both are (..., t, m). A head that has read no word of a task counts as the mean of the
    heads that have. R_TM is 1 where no head has.
    """
    has_read = words > 0
    means = losses / torch.where(has_read, words, 1)
    overall = (means * has_read).sum(-1, keepdim=True) / has_read.sum(-1, keepdim=True).clamp(min=1)
    return 1 - gain * (means - overall) * has_read


def task_model_probabilities(r_tm: Tensor, gumbel: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
    """Eq. (3): sample P_TM (..., t, m) from R_TM with a Gumbel-Softmax. The sample is soft.

    ``gumbel`` is standard Gumbel noise (..., t, m). Its leading axes are independent draws: it has
    none if all words of a step share one draw, and it is (w, t, m) if every word has its own.
    """
    return torch.softmax((r_tm + gumbel) / temperature, -1)


def word_model_probabilities(p_wt: Tensor, p_tm: Tensor) -> Tensor:
    """Eq. (4) and (7): return P_WM (..., w, m) from P_WT (w, t) and P_TM.

    P_TM is (t, m), or (..., w, t, m) if every word has its own draw.
    """
    return (p_wt[..., None] * p_tm).sum(-2)


def route(p_wt: Tensor, r_tm: Tensor, mode: str = "hard") -> Tensor:
    """Return the head that reads each word at test time, (w,). No noise is added.

    ``hard`` is the paper's rule: take the most probable task, then that task's most probable head.
    ``soft`` is the rule of the released code: take the most probable head of P_WT . softmax(R_TM).
    The two can differ if the task is uncertain or if R_TM is not sharp.
    """
    if mode == "hard":
        return r_tm.argmax(-1)[p_wt.argmax(-1)]
    return word_model_probabilities(p_wt, r_tm.softmax(-1)).argmax(-1)
