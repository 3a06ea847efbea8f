"""The report of a sweep: what it says, that it is safe and self-contained, and that it stays small."""

import json
import re
from html import unescape
from html.parser import HTMLParser

import pyarrow.parquet as pq
import pytest
import synthetic_storage
from busy_storage import write_busy

import raygroup
from raygroup.config import trial_id
from raygroup.config_sections import fingerprint, to_json
from raygroup.history.schema import spotter_history_schema
from raygroup.history.writer import RowWriter, seal
from raygroup.report import page as report_module
from raygroup.report.__main__ import main
from raygroup.report.page import MAX_BYTES, POLICY, report_page
from raygroup.scoring.predictions import read_predictions, write_predictions
from raygroup.spotter_config import Detector

ATTACK = "<script>alert('&')</script>"


class Elements(HTMLParser):
    """Every start tag of a page with its attributes."""

    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def named(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    return write_busy(tmp_path_factory.mktemp("report") / "runs").storage


@pytest.fixture(scope="module")
def small(storage):
    return report_page(raygroup.read_sweep("small", storage))


def sections(html):
    """Title -> text of each section, without figures and tags."""
    without_figures = re.sub(r"<svg.*?</svg>|<style>.*?</style>", "", html, flags=re.DOTALL)
    parts = re.split(r"<h2[^>]*>(.*?)</h2>", without_figures)
    return {title: " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split()) for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def test_the_page_names_the_trial_to_ship_as_the_summary_does(small, storage):
    choice = raygroup.read_sweep("small", storage).choice
    text = sections(small)["The trial to ship"]
    assert choice.title() in text
    assert all(line in text for line in choice.caveats())
    assert "python -m raygroup.export small OUT --best" in text


def test_the_page_has_settings_scores_cost_faults_and_provenance(small):
    text = sections(small)
    assert "grouping.base_coefficient 0.0, 0.2" in text["What was asked"]
    assert text["What came out"].count("ar+ko | bn | zh | hi+ja | la") >= 2
    assert "0.429 (0.29\N{EN DASH}0.60)" in text["What came out"]
    assert "60 10 0:06 0:06 0:06" in text["Cost"]
    assert "4 of 4 trials failed or took more than one attempt" in text["Faults met"]
    assert synthetic_storage.DATA in text["Provenance"]
    assert "small-" in text["Provenance"]


def test_each_language_has_its_words_counted_and_an_interval(small):
    text = sections(small)["Accuracy by language"]
    assert "Arabic العربية 0 2 0.500 (0.09\N{EN DASH}0.91)" in text
    assert "Hindi हिन्दी" in text


def test_words_show_in_their_own_direction_and_language(small):
    words = Elements(small).named("bdi")
    assert all(word["dir"] == "auto" for word in words)
    assert {"ar", "ja", "ko", "zh-Hans"} <= {word.get("lang") for word in words}


def test_the_page_loads_nothing(small):
    elements = Elements(small)
    policy = next(meta["content"] for meta in elements.named("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy == POLICY
    assert policy.startswith("default-src 'none'")
    assert not re.findall(r"https?:|//[\w.-]+\.\w+/|@import|url\((?!#)", small)
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in elements.tags}
    assert not [name for _, attributes in elements.tags for name in attributes if name.startswith("on")]
    assert all(image["src"].startswith("data:image/") and image["alt"] for image in elements.named("img"))


def test_ids_are_unique_and_references_lead_somewhere(small):
    elements = Elements(small)
    ids = [attributes["id"] for _, attributes in elements.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [value for _, attributes in elements.tags for name, value in attributes.items() if name in ("href", "xlink:href")]
    links += [f"#{name}" for name in re.findall(r"url\(#([^)]*)\)", small)]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)


def test_figures_and_tables_are_labelled(small):
    elements = Elements(small)
    ids = {attributes.get("id") for _, attributes in elements.tags}
    figures = elements.named("svg")
    assert len(figures) == 1 + 1 + 4 + 1
    assert all(figure["role"] == "img" and set(figure["aria-labelledby"].split()) <= ids for figure in figures)
    assert {head["scope"] for head in elements.named("th")} == {"col", "row"}
    levels = [int(tag[1]) for tag, _ in elements.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_the_same_records_give_the_same_bytes(small, storage):
    assert report_page(raygroup.read_sweep("small", storage)) == small


def test_texts_from_records_are_escaped(tmp_path):
    declared = [(f"seed=0 {ATTACK} \\1\u202e", trial) for _, trial in synthetic_storage.trials((0.0,), control=False, seeds=(0,))]
    folder = synthetic_storage.write_sweep(tmp_path, "evil", declared)
    stored = json.loads((folder / "sweep.json").read_text())
    (folder / "sweep.json").write_text(json.dumps(stored | {"hypothesis": f"{ATTACK}\u202e"}))
    path = raygroup.read_sweep("evil", tmp_path).trials[0].folder / "predictions.parquet"
    rows = [row | {"text": ATTACK, "reading": f"{ATTACK}--><"} for row in read_predictions(path).to_pylist()]
    write_predictions(path, {name: [row[name] for row in rows] for name in pq.read_schema(path).names})
    html = report_page(raygroup.read_sweep("evil", tmp_path))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") > 10
    assert "\u202e" not in html
    assert "<!--" not in html


def test_a_sweep_in_progress_says_what_is_missing(storage):
    html = report_page(raygroup.read_sweep("half", storage))
    text = sections(html)
    assert "No trial is done" in text["What is missing"]
    assert "1 of 4 trials has failed: base_coefficient=0.1 seed=0." in text["What is missing"]
    assert "1 of 4 trials is not started" in text["What is missing"]
    assert "step 20: integrated loss is nan" in text["Faults met"]
    assert "no trial is done" in text["The trial to ship"]
    assert "Accuracy by language" not in text


def test_a_sweep_without_any_step_has_a_page(tmp_path):
    synthetic_storage.write_sweep(tmp_path, "unborn", synthetic_storage.trials((0.0,), control=False), done=False)
    text = sections(report_page(raygroup.read_sweep("unborn", tmp_path)))
    assert "2 of 2 trials are not started" in text["What is missing"]
    assert "no settings are recorded" in text["What was asked"]


def test_damaged_records_are_named_without_the_place_of_the_storage_path(tmp_path):
    folder = synthetic_storage.write_sweep(tmp_path, "torn", synthetic_storage.trials((0.0,), control=False))
    torn = raygroup.read_sweep("torn", tmp_path).trials[0]
    (torn.folder / "history.parquet").write_bytes(b"PAR1")
    html = report_page(raygroup.read_sweep("torn", tmp_path))
    assert f"torn/{torn.id}/history.parquet" in sections(html)["What is missing"]
    assert str(folder.parent) not in html


def test_a_hundred_trials_stay_below_a_megabyte(tmp_path):
    declared = synthetic_storage.trials((0.0, 0.1, 0.2, 0.3), control=False, seeds=tuple(range(25)))
    synthetic_storage.write_sweep(tmp_path, "large", declared)
    html = report_page(raygroup.read_sweep("large", tmp_path))
    assert len(html.encode()) <= MAX_BYTES
    assert "Figures of the best 6 of 100 trials" in html
    assert html.count("base_coefficient=0.3 seed=24") >= 2


def test_a_page_that_would_be_too_large_says_what_it_leaves_out(storage, monkeypatch):
    monkeypatch.setattr(report_module, "_EXTENTS", ((6, 400), (1, 3)))
    monkeypatch.setattr(report_module, "MAX_BYTES", 200_000)
    html = report_page(raygroup.read_sweep("small", storage))
    assert "3 more figures are left out" in html
    assert "The first 3 of 4 rows" in html


def test_a_sweep_on_scenes_has_losses_instead_of_scores(tmp_path):
    write_scenes_sweep(tmp_path)
    text = sections(report_page(raygroup.read_sweep("finder", tmp_path)))
    assert "dice" in text["What came out"]
    assert "0.500" in text["What came out"]
    assert "no word scores" in text["The trial to ship"]
    assert "Losses over steps" in text
    assert "Accuracy by language" not in text


def write_scenes_sweep(storage):
    detector, data = Detector(), fingerprint("made-up scenes")
    name = trial_id("finder", detector, data)
    folder = storage / "finder" / name
    folder.mkdir(parents=True)
    write_json(folder.parent / "sweep.json", name="finder", hypothesis="Made up.", trials=[{"id": name, "label": "seed=0"}], data=data,
               caches=[], trains_on="scenes", written_at="2026-01-02T10:00:00+00:00")  # fmt: skip
    write_json(
        folder / "config.json", label="seed=0", sweep="finder", trial=to_json(detector), data=data, scenes="cache/scenes-0a/scenes.arrow"
    )
    metadata = {"config": to_json(detector), "data": data, "label": "seed=0", "versions": {"raygroup": "0"}, "git_commit": None}
    with RowWriter(folder, 1, spotter_history_schema(("dice", "cross_entropy"), metadata)) as writer:
        for step in range(1, 61):
            writer.append_row(step, 0.5, 1 / step, 8.0, 1.8e9 + step)
    seal(folder)
    (folder / "detector.safetensors").write_bytes(b"weights")
    write_json(folder / "DONE.json", steps=60, wall_s=60.0, cpu_s=55.0, attempts=1, finished_at="2026-01-02T10:05:00+00:00")


def write_json(path, **values):
    path.write_text(json.dumps({"layout": 1, **values}))


def test_the_command_writes_the_page_into_the_sweeps_folder(tmp_path, capsys, monkeypatch):
    synthetic_storage.write_sweep(tmp_path / "runs", "unborn", synthetic_storage.trials((0.0,), control=False), done=False)
    monkeypatch.chdir(tmp_path)
    assert main(["unborn", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["report"] == "runs/unborn/report.html"
    assert (tmp_path / "runs/unborn/report.html").stat().st_size == values["bytes"]
    assert main(["unborn", "--out", "mine/page.html", "--storage-path", "runs"]) == 0
    outcome = capsys.readouterr()
    assert outcome.out.startswith("mine/page.html (")
    assert "raygroup: 2 of 2 trials are not started" in outcome.err
    assert (tmp_path / "mine/page.html").read_bytes() == (tmp_path / "runs/unborn/report.html").read_bytes()


def test_a_wrong_name_is_one_line_with_the_close_ones_first(storage, capsys):
    assert main(["smal_contrl", "--storage-path", str(storage)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "no sweep 'smal_contrl'" in error
    assert "there are: small_control, small, half" in error or "there are: small_control, half, small" in error


def test_a_folder_is_no_file_to_write(storage, tmp_path, capsys):
    assert main(["half", "--storage-path", str(storage), "--out", str(tmp_path)]) == 2
    assert "is a folder; name a file" in capsys.readouterr().err


def test_the_python_twin_returns_the_path_and_what_is_missing(storage, tmp_path):
    report = raygroup.write_report("half", tmp_path / "half.html", storage)
    assert report.path.stat().st_size == report.bytes
    assert report.missing[0].startswith("No trial is done")
    with pytest.raises(raygroup.ConfigError, match="no sweep 'gone'"):
        raygroup.write_report("gone", tmp_path / "gone.html", storage)
