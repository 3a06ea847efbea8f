import json

import pytest
import torch
from released_names import CLASSES, SMALL_REFERENCE, released_weights

from raygroup.errors import ConfigError
from raygroup.model.spotter.reference_names import GROUPER
from raygroup.model.spotter.reference_weights import build_reference
from raygroup.training.spotter_weights import load_spotter
from raygroup.weights.__main__ import main
from raygroup.weights.importing import CHARSETS, WEIGHTS, import_checkpoint


@pytest.fixture
def maps(tmp_path):
    """Return a folder of maps. Those of la and zh are the same."""
    folder = tmp_path / "maps"
    folder.mkdir()
    for head, classes in CLASSES.items():
        characters = {chr(0x61 + number): number for number in range(1, classes - 1)}
        (folder / f"{head}.json").write_text(json.dumps(characters))
    return folder


def checkpoint(path, content):
    torch.save(content, path)
    return path


def imported(path, maps, out, **options):
    return import_checkpoint(path, maps, out, shape=SMALL_REFERENCE, **options)


def test_an_imported_spotter_computes_what_the_checkpoint_does(tmp_path, maps):
    weights = released_weights()
    result = imported(checkpoint(tmp_path / "w.pth", {"model": weights, "iteration": 3}), maps, tmp_path / "out")
    spotter, about = load_spotter(tmp_path / "out" / WEIGHTS)
    expected, images = build_reference(weights, shape=SMALL_REFERENCE), torch.randn(1, 3, 64, 64)
    assert torch.equal(spotter.maps(images).logits, expected.maps(images).logits)
    assert torch.equal(spotter.r_tm, expected.r_tm)
    assert about["tasks"] == ["ar", "la", "zh"]
    assert result.grouped
    assert json.loads((tmp_path / "out" / CHARSETS).read_text())["heads"]["ar"] == {"b": 1, "c": 2, "d": 3, "e": 4}


def test_heads_with_the_same_map_share_a_bank(tmp_path, maps):
    result = imported(checkpoint(tmp_path / "w.pth", released_weights()), maps, tmp_path / "out")
    assert [(head.name, head.bank) for head in result.heads] == [("ar", 0), ("la", 1), ("zh", 1)]


def test_a_plain_checkpoint_one_of_several_workers_and_a_safetensors_file_are_the_same(tmp_path, maps):
    from safetensors.torch import save_file

    weights = released_weights()
    paths = [
        checkpoint(tmp_path / "a.pth", weights),
        checkpoint(tmp_path / "b.pth", {f"module.{name}": value for name, value in weights.items()}),
    ]
    save_file({name: value.contiguous() for name, value in weights.items()}, tmp_path / "c.safetensors")
    written = []
    for number, path in enumerate([*paths, tmp_path / "c.safetensors"]):
        imported(path, maps, tmp_path / str(number))
        written.append((tmp_path / str(number) / WEIGHTS).read_bytes())
    # A safetensors file lists heads by name, which is their order here too.
    assert written[0] == written[1] == written[2]


def test_a_multiplexed_network_ties_heads_to_tasks(tmp_path, maps):
    result = imported(checkpoint(tmp_path / "w.pth", released_weights(grouped=False)), maps, tmp_path / "out")
    spotter, _ = load_spotter(tmp_path / "out" / WEIGHTS)
    assert not result.grouped
    assert torch.equal(spotter.r_tm.softmax(1), torch.eye(3))


def test_a_strange_weight_and_a_missing_one_stop_the_import_with_names(tmp_path, maps):
    weights = released_weights()
    with pytest.raises(ConfigError, match=r"w\.pth: no place for proposal\.head\.more\.weight"):
        imported(checkpoint(tmp_path / "w.pth", weights | {"proposal.head.more.weight": torch.zeros(1)}), maps, tmp_path / "out")
    del weights["backbone.fpn.fpn_inner2.bias"]
    with pytest.raises(ConfigError, match=r"w\.pth: no weights for trunk\.lateral\.1\.bias"):
        imported(checkpoint(tmp_path / "w.pth", weights), maps, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_pickled_object_is_not_opened(tmp_path, maps):
    with pytest.raises(ConfigError, match=r"w\.pth: not a checkpoint that weights-only loading opens"):
        imported(checkpoint(tmp_path / "w.pth", {"model": print}), maps, tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all"])
def test_files_that_are_no_checkpoints_are_refused(content, tmp_path, maps):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(ConfigError, match=r"w\.pth: not a checkpoint"):
        imported(tmp_path / "w.pth", maps, tmp_path / "out")


def test_a_checkpoint_without_tensors_is_refused(tmp_path, maps):
    with pytest.raises(ConfigError, match="'iteration' is no tensor"):
        imported(checkpoint(tmp_path / "w.pth", {"iteration": 3}), maps, tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"a": 7}', r"'a' has class 7: the head has classes 1 to 6"), ('{"ab": 1}', "'ab' must be one code point"), ("[1]", "got list"),
        ('{"a": 1, "b": 1}', "class 1 belongs to several characters"), ("{", "not JSON"), ('{"a": null}', "'a' has class None"),
    ],
)  # fmt: skip
def test_a_map_that_does_not_fit_its_head_is_refused(content, reason, tmp_path, maps):
    (maps / "la.json").write_text(content)
    with pytest.raises(ConfigError, match=rf"la\.json: .*{reason}"):
        imported(checkpoint(tmp_path / "w.pth", released_weights()), maps, tmp_path / "out")


def test_a_map_from_classes_to_characters_is_read_too(tmp_path, maps):
    (maps / "ar.json").write_text('{"1": "7", "2": "b", "0": "~"}')
    imported(checkpoint(tmp_path / "w.pth", released_weights()), maps, tmp_path / "out")
    assert json.loads((tmp_path / "out" / CHARSETS).read_text())["heads"]["ar"] == {"7": 1, "b": 2}


def test_every_head_needs_its_map(tmp_path, maps):
    (maps / "zh.json").unlink()
    with pytest.raises(ConfigError, match=r"no .*zh\.json: it needs one map for each head"):
        imported(checkpoint(tmp_path / "w.pth", released_weights()), maps, tmp_path / "out")


def test_tasks_are_as_many_as_the_language_predictors_outputs(tmp_path, maps):
    path = checkpoint(tmp_path / "w.pth", released_weights())
    assert imported(path, maps, tmp_path / "out", tasks=["one", "two", "three"]).tasks == ("one", "two", "three")
    with pytest.raises(ConfigError, match="has 3 tasks; --tasks gives one two: give 3 different names"):
        imported(path, maps, tmp_path / "out", tasks=["one", "two"])


def test_a_grouping_of_other_heads_or_tasks_is_refused(tmp_path, maps):
    weights = released_weights()
    for shape in ((3, 2), (2, 3)):
        changed = {**weights, GROUPER: torch.zeros(shape)}
        with pytest.raises(ConfigError, match=rf"w\.pth: .*lang_head_weights \({shape[0]}, {shape[1]}\), expected \("):
            imported(checkpoint(tmp_path / "w.pth", changed), maps, tmp_path / "out")


def test_maps_of_other_heads_are_refused(tmp_path, maps):
    for head in CLASSES:
        (maps / f"{head}.json").write_text(json.dumps({chr(0x61 + number): number for number in range(1, 100)}))
    with pytest.raises(ConfigError, match="has class .*: the head has classes 1 to"):
        imported(checkpoint(tmp_path / "w.pth", released_weights()), maps, tmp_path / "out")


def test_the_command_says_in_one_line_that_a_file_is_missing(tmp_path, maps, capsys):
    assert main(["import", str(tmp_path / "no.pth"), str(tmp_path / "out"), "--maps", str(maps)]) == 2
    assert "no.pth: no such file" in capsys.readouterr().err


def test_the_command_refuses_weights_of_another_size(tmp_path, maps, capsys):
    path = checkpoint(tmp_path / "w.pth", released_weights())
    assert main(["import", str(path), str(tmp_path / "out"), "--maps", str(maps)]) == 2
    assert "head ar: convolution has the shape (5, 4, 3, 3), expected (5, 256, 3, 3)" in capsys.readouterr().err
