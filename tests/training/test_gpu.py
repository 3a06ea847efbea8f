"""On a GPU: every form and every pack gives the numbers of the plain form, to rounding. Skips without one."""

import numpy as np
import pytest
import torch
from test_pack import PACKED, made_material

from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import FORMS
from raygroup.model.laptop_trunk import FEATURES, POSITIONS, Trunk
from raygroup.training.packs.pack import Pack
from raygroup.training.universal_weights import Universal
from raygroup.words.charset import Charset

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
CHARSET = Charset(tuple(chr(0x4E00 + place) for place in range(62)))


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    labels = ["".join(CHARSET.characters[k : k + 2 + k % 5]) for k in range(48)]
    material = made_material(tmp_path_factory.mktemp("features"), (24, FEATURES), labels, CHARSET)
    head = HeadBank(1, CHARSET.num_classes, features=FEATURES, positions=POSITIONS, embed=32, hidden=64)
    head.initialise(0, torch.Generator().manual_seed(0))
    return material, Universal(Trunk().eval(), head.requires_grad_(False), CHARSET)


@pytest.mark.parametrize("form", ["plain", "factored", "winograd", "graphs"])
def test_a_form_on_a_gpu_agrees_with_the_plain_one_on_the_processor_over_the_first_steps(form, setting):
    material, universal = setting
    reference = Pack(PACKED, material, universal)
    pack = Pack(PACKED, material, universal, "cuda", FORMS[form])
    expected, found = (made.evidence([made.advance() for _ in range(20)]) for made in (reference, pack))
    for mine, theirs in zip(found, expected, strict=True):
        assert np.allclose(mine, theirs, rtol=1e-3, atol=1e-4)


def test_a_trial_in_a_pack_on_a_gpu_agrees_with_itself_alone(setting):
    material, universal = setting
    pack = Pack(PACKED, material, universal, "cuda")
    together = pack.evidence([pack.advance() for _ in range(20)])
    for number, trial in enumerate(PACKED):
        alone = Pack([trial], material, universal, "cuda")
        (own,) = alone.evidence([alone.advance() for _ in range(20)])
        assert np.allclose(together[number], own, rtol=1e-3, atol=1e-4)
