import pytest
import torch
from shared_fixtures import reference_keys

from raygroup.model.spotter.reference_names import GROUPER, HEAD_PREFIX
from raygroup.model.spotter.reference_weights import build_reference, fixed_assignment, head_names


def zeros(network="demo_PMLX1G"):
    """Return weights of the released shapes that take no memory."""
    return {name: torch.zeros(()).expand(shape) for name, shape in reference_keys(network).items()}


def test_heads_keep_the_order_of_the_weights():
    assert head_names(zeros("grouped_v11_any5_7tasks")) == ["any1", "any2", "any3", "any4", "any5"]


def test_a_weight_without_a_place_is_named():
    weights = zeros() | {"backbone.body.layer5.0.conv1.weight": torch.zeros(1)}
    with pytest.raises(ValueError, match=r"no place for backbone\.body\.layer5\.0\.conv1\.weight"):
        build_reference(weights)


def test_a_place_without_a_weight_is_named():
    weights = zeros()
    del weights["roi_heads.box.predictor.cls_score.bias"]
    with pytest.raises(ValueError, match=r"no weights for box\.score\.bias"):
        build_reference(weights)


def test_another_shape_is_named_with_the_right_one():
    weights = zeros() | {"proposal.head.seg_out.4.bias": torch.zeros(3)}
    with pytest.raises(ValueError, match=r"weights of another shape: proposal\.head\.seg_out\.4\.bias \(3,\), expected \(1,\)"):
        build_reference(weights)


def test_a_head_that_lacks_a_location_table_is_refused():
    weights = zeros()
    del weights[f"{HEAD_PREFIX}ja.x_onehot.weight"]
    with pytest.raises(ValueError, match=r"no weights for roi_heads\.mask\.predictor\.seq_ja\.x_onehot\.weight"):
        build_reference(weights)


def test_heads_of_different_charsets_cannot_share_a_bank():
    with pytest.raises(ValueError, match="82, 112 classes: heads of one bank must share a charset"):
        build_reference(zeros(), banks=[["ar", "bn"], ["hi", "ja", "ko", "la", "zh", "symbol"]])


def test_banks_must_name_every_head():
    with pytest.raises(ValueError, match="heads symbol: banks must name each head of the weights once"):
        build_reference(zeros(), banks=[["ar"], ["bn"], ["hi"], ["ja"], ["ko"], ["la"], ["zh"]])


def test_heads_tied_to_tasks_get_an_assignment_that_is_certain():
    assert torch.equal(fixed_assignment(8, 8).softmax(1), torch.eye(8))
    with pytest.raises(ValueError, match=f"5 heads for 7 tasks and no {GROUPER}"):
        fixed_assignment(7, 5)
