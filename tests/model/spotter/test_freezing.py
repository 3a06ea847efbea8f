import pytest
import torch
from small_spotter import TINY, small_spotter

from raygroup.spotting_config import PARTS


def statistics(spotter):
    return {name: value.clone() for name, value in spotter.named_buffers() if "running" in name}


def test_a_frozen_part_keeps_its_weights_and_statistics_through_training_mode():
    spotter = small_spotter()
    spotter.freeze(["trunk", "segmentation"])
    before = statistics(spotter)
    spotter.train()
    spotter.maps(torch.randn(2, 3, 64, 64))
    assert before
    assert all(torch.equal(value, before[name]) for name, value in statistics(spotter).items())
    assert not any(parameter.requires_grad for parameter in (*spotter.trunk.parameters(), *spotter.segmentation.parameters()))
    assert all(parameter.requires_grad for parameter in spotter.box.parameters())


def test_a_part_that_is_not_frozen_updates_its_statistics():
    spotter = small_spotter()
    spotter.freeze(["segmentation"])
    before = statistics(spotter)
    spotter.train()
    spotter.maps(torch.randn(2, 3, 64, 64))
    changed = {name.split(".")[0] for name, value in statistics(spotter).items() if not torch.equal(value, before[name])}
    assert changed == {"trunk"}


def test_the_stem_and_the_first_stage_can_be_frozen_alone():
    spotter = small_spotter()
    spotter.freeze(["trunk.stem", "trunk.stages.0"])
    spotter.train()
    assert not spotter.trunk.stages[0].training
    assert spotter.trunk.stages[1].training
    assert not any(parameter.requires_grad for parameter in spotter.trunk.stages[0].parameters())


def test_freezing_other_parts_thaws_the_first_ones():
    spotter = small_spotter().train()
    spotter.freeze(["trunk"])
    spotter.freeze(["box"])
    assert spotter.trunk.training
    assert all(parameter.requires_grad for parameter in spotter.trunk.parameters())
    assert not spotter.box.training


def test_every_named_part_can_be_frozen():
    spotter = small_spotter()
    spotter.freeze(part for part in PARTS if part != "adapter")  # its heads read planes
    assert [name for name, parameter in spotter.named_parameters() if parameter.requires_grad] == ["r_tm"]


def test_an_unknown_part_is_refused_with_the_valid_ones():
    with pytest.raises(ValueError, match="no part trunc: parts are trunk, segmentation, box, mask, language, recognition"):
        small_spotter().freeze(["trunc"])


def test_the_reference_trunk_has_no_statistics_that_training_could_change():
    assert TINY.frozen_norm is False
    from dataclasses import replace

    frozen = small_spotter(replace(TINY, frozen_norm=True)).train()
    before = statistics(frozen)
    frozen.trunk(torch.randn(2, 3, 64, 64))
    assert all(torch.equal(value, before[name]) for name, value in statistics(frozen).items())
