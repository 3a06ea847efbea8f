"""The grouping module: R_TM, its Gumbel-Softmax, and the routing of words to heads (Eq. 1, 3, 4, 7)."""

import torch
from torch import Tensor


def initial_assignment(tasks: int, heads: int) -> Tensor:
    """R_TM (t, m) before training: all ones, every head equally likely for every task (section 3.1)."""
    return torch.ones(tasks, heads)


def task_model_probabilities(r_tm: Tensor, gumbel: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
    """Eq. (3): P_TM (..., t, m), a soft Gumbel-Softmax sample of R_TM; ``gumbel`` is standard Gumbel noise (..., t, m).

    Leading axes of the noise are independent draws: none for one draw for all words of a step, (w, t, m) for one for each word.
    """
    return torch.softmax((r_tm + gumbel) / temperature, -1)


def word_model_probabilities(p_wt: Tensor, p_tm: Tensor) -> Tensor:
    """Eq. (4) and (7): P_WM (..., w, m) from P_WT (w, t) and P_TM (t, m), or (..., w, t, m) where words have draws of their own."""
    return (p_wt[..., None] * p_tm).sum(-2)


def route(p_wt: Tensor, r_tm: Tensor, mode: str = "hard") -> Tensor:
    """The head that reads each word at test time, (w,), without noise.

    ``hard``: the most probable task, then that task's most probable head (paper). ``soft``: the most probable head of
    P_WT . softmax(R_TM) (released code); the two differ where the task is in doubt or R_TM is not sharp.
    """
    if mode == "hard":
        return r_tm.argmax(-1)[p_wt.argmax(-1)]
    return word_model_probabilities(p_wt, r_tm.softmax(-1)).argmax(-1)
