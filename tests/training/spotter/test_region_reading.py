"""Words are read from crops as the word trunk reads them, and from RoI features by a spotter, stored or not."""

import pytest
import torch
from rendered_scenes_for_tests import store_of

from raygroup.model.heads.bank import HeadBank
from raygroup.model.laptop_trunk import Trunk
from raygroup.runtime.planning.jobs import weights_file
from raygroup.scenes.scene_store import read_scenes
from raygroup.spotting_config import SpotterHeads, SpotterLoss, Spotting
from raygroup.training.label_batches import encode_labels, longest_first, make_batch
from raygroup.training.spotter.new_spotter import new_spotter
from raygroup.training.spotter.region_reading import CropReader, LabelledWords, RegionReader, texts_of
from raygroup.training.spotter.spotter_losses import reading_sums
from raygroup.training.spotter.spotter_samples import crops_of_words
from raygroup.training.spotter_weights import load_spotter, save_spotter
from raygroup.training.universal_weights import UniversalModel, load_universal
from raygroup.trunks import FEATURE_GRID, FEATURES
from raygroup.words.charset import Charset

TASKS = ("la", "ar")
CHARSET = Charset(tuple("abcdefghijklmnopqrstuvwxyz"))


@pytest.fixture(scope="module")
def scene_words(tmp_path_factory):
    return [LabelledWords.of(scene, TASKS) for scene in read_scenes(store_of(tmp_path_factory.mktemp("scenes"), 2))]


def reader():
    head = HeadBank(1, CHARSET.num_classes, features=FEATURES, positions=FEATURE_GRID, embed=6, hidden=8)
    head.initialise(0, torch.Generator().manual_seed(5))
    torch.manual_seed(5)
    return UniversalModel(Trunk().eval().requires_grad_(False), head.requires_grad_(False), CHARSET)


def spotter_of(source, count=2, decoder="attention"):
    sizes = {"embed": 6, "hidden": 8} if decoder == "attention" else {}
    heads = SpotterHeads(source=source, count=count, decoder=decoder, **sizes)
    teacher = None if source == "planes" else reader()
    loss = SpotterLoss(distillation=1.0 if teacher else 0.0)
    return new_spotter(Spotting(heads=heads, loss=loss), len(TASKS), CHARSET, teacher, None, "cpu", torch.float32)


def test_crops_give_one_text_for_each_word(scene_words):
    for words in scene_words:
        assert len(CropReader(reader()).read(words)) == len(words.labels) > 0


@pytest.mark.parametrize("decoder", ["attention", "ctc"])
@pytest.mark.parametrize("source", ["planes", "boxes", "rectangles"])
def test_a_stored_spotter_reads_the_same_words(scene_words, source, decoder, tmp_path):
    spotter = spotter_of(source, decoder=decoder)
    save_spotter(tmp_path / "spotter.safetensors", spotter, TASKS, ("a", "b"))
    stored, _ = load_spotter(tmp_path / "spotter.safetensors")
    texts = RegionReader(spotter, CHARSET).read(scene_words[0])
    assert len(texts) == len(scene_words[0].labels)
    assert RegionReader(stored, CHARSET).read(scene_words[0]) == texts


def test_one_head_reads_rectangles_without_planes_as_two_equal_heads_do(scene_words):
    one, two = spotter_of("rectangles", 1), spotter_of("rectangles", 2)
    shared = {name: value for name, value in one.state_dict().items() if not name.startswith(("recognition", "r_tm"))}
    two.load_state_dict(shared, strict=False)
    assert RegionReader(one, CHARSET).read(scene_words[0]) == RegionReader(two, CHARSET).read(scene_words[0])


def test_ctc_heads_learn_to_read_rendered_words(scene_words):
    universal = load_universal(weights_file("laptop"))
    words = [(label, task, crop) for each in scene_words for label, task, crop in words_with_crops(each)]
    targets, lengths = encode_labels([label for label, _, _ in words], universal.charset)
    order = longest_first(lengths)
    batch = make_batch(torch.zeros(len(words), 0), targets[order], lengths[order])
    labels, tasks = [words[row][0] for row in order], torch.tensor([TASKS.index(words[row][1]) for row in order])
    features = universal.trunk(torch.stack([torch.from_numpy(words[row][2]) for row in order])).detach()
    settings = SpotterHeads(count=2, decoder="ctc", source="rectangles")
    spotter = new_spotter(Spotting(heads=settings), len(TASKS), universal.charset, None, None, "cpu", torch.float32)
    heads, r_tm = spotter.recognition, spotter.r_tm
    optimizer = torch.optim.AdamW([*heads.parameters(), r_tm], 1e-2)

    def num_right():
        classes = heads.read(features, r_tm.argmax(1)[tasks], 32, width=1).classes
        return sum(text == label for text, label in zip(texts_of(classes, universal.charset), labels, strict=True))

    right_before, losses = num_right(), []
    for step in range(60):
        gumbel = -torch.empty(2, 2).exponential_(generator=torch.Generator().manual_seed(step)).log()
        sums = reading_sums(heads, features, batch, tasks, r_tm, gumbel, settings, True)
        optimizer.zero_grad()
        sum(total / count for total, count in sums.values()).backward()
        optimizer.step()
        losses.append(sums["recognition"][0].item() / sums["recognition"][1])
    assert right_before == 0
    assert losses[-1] < 0.1 * losses[0]
    assert num_right() >= 0.9 * len(labels), (num_right(), len(labels))


def words_with_crops(words):
    return zip(words.labels, words.tasks, crops_of_words(words.pixels, words.polygons), strict=True)
