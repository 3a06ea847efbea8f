import pytest

from raygroup.config_sections import result_fields, section_from_json, to_json
from raygroup.errors import ConfigError
from raygroup.spotting_config import LOSSES, RegionDraws, SpotterHeads, SpotterLoss, Spotting


def test_settings_survive_json():
    settings = Spotting(freeze=("trunk",), heads=SpotterHeads(source="boxes"), loss=SpotterLoss(distillation=1.0))
    assert section_from_json(Spotting, to_json(settings)) == settings


def test_settings_of_before_there_were_ctc_heads_keep_their_fingerprints():
    stored = to_json(Spotting())
    del stored["heads"]["decoder"]
    assert section_from_json(Spotting, stored) == Spotting()
    assert "decoder" not in result_fields(Spotting())["heads"]
    assert result_fields(Spotting(heads=SpotterHeads(decoder="ctc")))["heads"]["decoder"] == "ctc"


def test_ctc_heads_have_a_hidden_size_with_planes_alone():
    assert SpotterHeads(decoder="ctc", hidden=8).hidden == 8


def test_every_loss_has_a_weight():
    assert all(hasattr(SpotterLoss(), name) for name in LOSSES)


@pytest.mark.parametrize(
    ("section", "values", "words"),
    [
        (Spotting, {"loss": SpotterLoss(distillation=1.0)}, "0 with heads.source 'planes'"),
        (SpotterHeads, {"source": "crops"}, "heads.source is 'crops': it must be one of planes, boxes, rectangles"),
        (SpotterHeads, {"decoder": "beam"}, "heads.decoder is 'beam': it must be one of attention, ctc"),
        (SpotterHeads, {"decoder": "ctc", "embed": 6}, "heads.embed is 6: it must be left at 32, because the heads of heads.decoder 'ctc'"),
        (SpotterHeads, {"decoder": "ctc", "source": "boxes", "hidden": 8}, "heads.hidden is 8: it must be left at 64"),
        (SpotterLoss, {"mask": -1.0}, "loss.mask is -1.0"),
        (RegionDraws, {"jitter": 2.0}, "regions.jitter is 2.0: it must be a number from 0 to 1"),
    ],
)
def test_bad_values_are_named(section, values, words):
    with pytest.raises(ConfigError, match=words):
        section(**values)
