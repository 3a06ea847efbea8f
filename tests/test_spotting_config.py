import pytest

from raygroup.config_sections import section_from_json, to_json
from raygroup.errors import ConfigError
from raygroup.spotting_config import LOSSES, RegionDraws, SpotterHeads, SpotterLoss, Spotting


def test_settings_survive_json():
    settings = Spotting(freeze=("trunk",), heads=SpotterHeads(source="boxes"), loss=SpotterLoss(distillation=1.0))
    assert section_from_json(Spotting, to_json(settings)) == settings


def test_every_loss_has_a_weight():
    assert all(hasattr(SpotterLoss(), name) for name in LOSSES)


@pytest.mark.parametrize(
    ("section", "values", "words"),
    [
        (Spotting, {"loss": SpotterLoss(distillation=1.0)}, "0 with heads.source 'planes'"),
        (SpotterHeads, {"source": "crops"}, "heads.source is 'crops': it must be one of planes, boxes, rectangles"),
        (SpotterLoss, {"mask": -1.0}, "loss.mask is -1.0"),
        (RegionDraws, {"jitter": 2.0}, "regions.jitter is 2.0: it must be a number from 0 to 1"),
    ],
)
def test_bad_values_are_named(section, values, words):
    with pytest.raises(ConfigError, match=words):
        section(**values)
