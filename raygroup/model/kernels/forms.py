"""The kernels with which a head bank computes the same mathematics.

``plain`` is the reference for all others.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kernels:
    """One form: the kernel of each costly part of a head."""

    name: str
    attention: str
    """``tanh`` computes the energies as Bahdanau wrote them.

    ``sigmoid`` uses tanh(x) = 2 sigmoid(2x) - 1. The constant cancels in the softmax, and on a CPU
    it takes a ninth of the time of torch's tanh. ``compiled`` does the same with energies and
    scores in one pass (torch.compile).
    """
    convolution: str
    """``direct`` is torch's convolution.

    ``winograd`` is F(4x4, 3x3), with one input transform for all heads. ``bf16`` is the direct
    convolution in half precision.
    """
    products: str
    """``matmul`` uses torch's batched matrix products.

    ``onednn`` writes them so that torch hands them to oneDNN on a CPU, which takes half the time.
    """
    captured: bool = False
    """Whether training steps are replayed as CUDA graphs."""


FORMS = {
    form.name: form
    for form in (
        Kernels("plain", "tanh", "direct", "matmul"),
        Kernels("factored", "sigmoid", "direct", "matmul"),
        Kernels("winograd", "sigmoid", "winograd", "onednn"),
        Kernels("compiled", "compiled", "winograd", "onednn"),
        Kernels("bf16", "sigmoid", "bf16", "matmul"),
        Kernels("graphs", "sigmoid", "direct", "matmul", captured=True),
    )
}
PLAIN = FORMS["plain"]
AUTO = {"cpu": "winograd", "cuda": "plain"}
"""The form that ``auto`` chooses on each device.

It is the fastest one that tests on that device have shown to give the numbers of ``plain``.
"""


def choose_kernels(name: str = "auto", device: str = "cpu") -> Kernels:
    """Return the form with this name.

    Raises ValueError with the valid names if there is no form of this name, or if the device cannot
    run it.
    """
    if name != "auto" and name not in FORMS:
        raise ValueError(f"kernels are {name!r}: they must be one of auto, {', '.join(FORMS)}")
    form = FORMS[AUTO.get(device, "plain") if name == "auto" else name]
    if form.captured and device != "cuda":
        raise ValueError(f"kernels are {name!r}: CUDA graphs need a GPU. On {device}, choose auto, {', '.join(cpu_forms())}")
    return form


def cpu_forms() -> list[str]:
    """Return the names of the forms that run without a GPU."""
    return [name for name, form in FORMS.items() if not form.captured]
