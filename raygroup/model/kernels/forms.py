"""The forms a head bank computes in: the same mathematics, switched by one name; ``plain`` is the reference of all others."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kernels:
    """How the costly parts of a head are computed."""

    name: str
    attention: str
    """``tanh``: the energies as Bahdanau wrote them; ``sigmoid``: tanh(x) = 2 sigmoid(2x) - 1, whose constant leaves the softmax, at a
    ninth of the time of torch's tanh on a processor; ``compiled``: the same, energies and scores in one pass (torch.compile)."""
    convolution: str
    """``direct``; ``winograd``: F(4x4, 3x3), its input transform shared by all heads; ``bf16``: direct, in half precision."""
    products: str
    """``matmul``: torch's batched products; ``onednn``: written so that torch hands them to oneDNN on a processor, half the time."""
    captured: bool = False
    """Whether a training step is replayed as a CUDA graph."""


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
"""What ``auto`` means on a device: the fastest form that tests have shown, on such a device, to give the numbers of ``plain``."""


def kernels(name: str = "auto", device: str = "cpu") -> Kernels:
    """The form of a name; raises ValueError, naming the right ones, for any other, and for one that the device cannot run."""
    if name != "auto" and name not in FORMS:
        raise ValueError(f"kernels are {name!r}: they must be one of auto, {', '.join(FORMS)}")
    form = FORMS[AUTO.get(device, "plain") if name == "auto" else name]
    if form.captured and device != "cuda":
        raise ValueError(f"kernels are {name!r}: CUDA graphs need a GPU; on {device} there are auto, {', '.join(on_processor())}")
    return form


def on_processor() -> list[str]:
    """The forms that need no GPU."""
    return [name for name, form in FORMS.items() if not form.captured]
