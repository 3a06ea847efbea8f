import pytest
import torch
from shared_fixtures import reference_keys
from small_spotter import small_bank

from raygroup.model.spotter.recognition import RecognitionHeads
from raygroup.model.spotter.reference_names import (
    ALL_HEAD_WEIGHTS,
    GROUPER,
    HEAD_NAME,
    HEAD_PREFIX,
    head_parameters,
    our_name,
    reference_head_weights,
)
from raygroup.model.spotter.shape import REFERENCE
from raygroup.model.spotter.spotter import Spotter


def detector_shapes(tasks, heads):
    """Return our names and shapes of everything but the heads."""
    with torch.device("meta"):
        spotter = Spotter(REFERENCE, tasks, RecognitionHeads([small_bank(heads, 12, 4)]))
    return {name: list(value.shape) for name, value in spotter.state_dict().items() if not name.startswith("recognition.")}


@pytest.mark.parametrize("network", ["grouped_v11", "grouped_v11_any5_7tasks", "grouped_v13_varied", "demo_PMLX1G", "multiplexed_v2"])
def test_every_released_weight_has_one_place_of_its_shape_and_every_place_a_weight(network):
    keys = reference_keys(network)
    heads = {match[1] for name in keys if (match := HEAD_NAME.fullmatch(name))}
    tasks = keys["roi_heads.mask.predictor.language_predictor.fc2.bias"][0]
    places = {our_name(name): shape for name, shape in keys.items() if not HEAD_NAME.fullmatch(name)}
    expected = detector_shapes(tasks, len(heads))
    if GROUPER not in keys:
        del expected["r_tm"]
    assert places == expected
    for head in heads:
        assert {name.removeprefix(f"{HEAD_PREFIX}{head}.") for name in keys if name.startswith(f"{HEAD_PREFIX}{head}.")} == ALL_HEAD_WEIGHTS


def test_names_that_only_look_alike_have_no_place():
    for name in (
        "fpn_inner1.weight",
        "backbone.body.layer5.0.conv1.weight",
        "backbone.fpn.fpn_inner5.weight",
        "x.proposal.head.fpn_out2.weight",
    ):
        assert our_name(name) is None


def test_a_heads_weights_survive_the_way_to_the_bank_and_back():
    hidden, embed, classes = 5, 4, 9
    shapes = {
        "seq_encoder.0.weight": (hidden, 3, 3, 3), "seq_encoder.0.bias": (hidden,), "seq_decoder.embedding.weight": (classes, embed),
        "seq_decoder.word_linear.weight": (hidden, embed), "seq_decoder.word_linear.bias": (hidden,), "seq_decoder.attn.v": (hidden,),
        "seq_decoder.attn.attn.weight": (hidden, 2 * hidden + 40), "seq_decoder.attn.attn.bias": (hidden,),
        "seq_decoder.rnn.weight_ih": (3 * hidden, 2 * hidden + 40), "seq_decoder.rnn.weight_hh": (3 * hidden, hidden),
        "seq_decoder.rnn.bias_ih": (3 * hidden,), "seq_decoder.rnn.bias_hh": (3 * hidden,), "seq_decoder.out.weight": (classes, hidden),
        "seq_decoder.out.bias": (classes,), "x_onehot.weight": (32, 32), "y_onehot.weight": (8, 8),
    }  # fmt: skip
    weights = {name: torch.randn(shape) for name, shape in shapes.items()}
    assert weights.keys() == ALL_HEAD_WEIGHTS
    returned = reference_head_weights(head_parameters(weights))
    assert returned.keys() == weights.keys()
    assert all(torch.equal(value, weights[name]) for name, value in returned.items())
