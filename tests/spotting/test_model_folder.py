"""A changed record of a spotter is refused with the field and what would be right."""

import json

import pytest

from raygroup.errors import ConfigError, DamagedFileError
from raygroup.reading.record import file_facts
from raygroup.spotting.model_folder import DETECTOR_FILE, RECORD_FILE, SpotterRecord, read_record, record_bytes
from raygroup.spotting.network_input import REFERENCE
from raygroup.spotting.regions import RegionSettings
from raygroup.spotting.spotter import SpotterSettings, SpottingThresholds

SETTINGS = SpotterSettings(
    input=REFERENCE, regions=RegionSettings(outline="polygon", most_regions=7), margin=0.2,
    thresholds={"detection": SpottingThresholds(detection=0.5, chosen_on="scenes"), "end-to-end": SpottingThresholds()},
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / DETECTOR_FILE).write_bytes(b"weights")
    files = {DETECTOR_FILE: file_facts(b"weights")["sha256"]}
    (tmp_path / RECORD_FILE).write_bytes(record_bytes(SpotterRecord(settings=SETTINGS, detector={}, scores={}, files=files)))
    return tmp_path


def change(folder, *place, **values):
    """Change the section of the record at a place."""
    stored = json.loads((folder / RECORD_FILE).read_text())
    section = stored
    for name in place:
        section = section[name]
    section.update(values)
    (folder / RECORD_FILE).write_text(json.dumps(stored))


def test_settings_come_back_as_they_were_written(folder):
    assert read_record(folder).settings == SETTINGS


@pytest.mark.parametrize(
    ("section", "values", "reason"),
    [
        ("regions", {"thresold": 0.5}, "settings.regions has no field 'thresold': it has threshold, "),
        ("regions", {"threshold": "high"}, "settings.regions.threshold is 'high': it must be a number"),
        ("regions", {"most_regions": 2.5}, "settings.regions.most_regions is 2.5: it must be a whole number"),
        ("regions", {"outline": "circle"}, "settings.regions.outline is 'circle': it must be one of rectangle, polygon"),
        ("input", {"mean": [1, 2]}, r"settings.input.mean is \[1, 2\]: it must be 3 numbers"),
        ("input", {"long_side": None}, "settings.input.long_side is None: it must be a whole number"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(folder, section, values, reason):
    change(folder, "settings", section, **values)
    with pytest.raises(DamagedFileError, match=f"{RECORD_FILE}: {reason}.*; get another copy of the spotter, or export it again"):
        read_record(folder)


def test_a_size_may_be_left_open(folder):
    change(folder, "settings", "input", short_side=None)
    assert read_record(folder).settings.input.short_side is None


def test_thresholds_are_checked_too(folder):
    change(folder, "settings", "thresholds", detection={"detection": True})
    with pytest.raises(DamagedFileError, match="settings.thresholds.detection.detection is True: it must be a number"):
        read_record(folder)


def test_a_missing_section_is_named(folder):
    stored = json.loads((folder / RECORD_FILE).read_text())
    del stored["settings"]["margin"]
    (folder / RECORD_FILE).write_text(json.dumps(stored))
    with pytest.raises(DamagedFileError, match="no field 'margin'"):
        read_record(folder)


def test_a_record_names_no_other_files(folder):
    change(folder, "files", **{"../secret": "0"})
    with pytest.raises(DamagedFileError, match="a spotter has no file '../secret'"):
        read_record(folder)


@pytest.mark.parametrize(
    ("content", "reason"), [("{", "damaged: "), ("[]", "not the record of a spotter"), ('{"format": "raygroup spotter"}', "format None")]
)
def test_what_is_no_record_is_refused(folder, content, reason):
    (folder / RECORD_FILE).write_text(content)
    with pytest.raises(ConfigError, match=reason):
        read_record(folder)
