"""Stage 1 on a user's words and word lists: what it trains on, what it says before and after, and what a sweep makes of it."""

import json
from pathlib import Path

import pytest
from given_words import write_folder
from stage1_training import one_thread  # noqa: F401

from raygroup import sweep
from raygroup.data import __main__ as data
from raygroup.pretrain import __main__ as pretrain
from raygroup.storage.layout import CONFIG_FILE
from raygroup.training.universal_weights import load_universal, read_weights_metadata
from raygroup.words.word_store import open_word_store

SPACE = """
from raygroup.config import Heads, Pretraining, Words
words = Words(words_per_task=12, unseen_per_task=4, renders=1, seed=1)
heads = Heads(count=1, start="independent")
pretraining = Pretraining(words=words, steps=9, head_steps=4, batch=4, draw="task", rehearsal={rehearsal}, heads=heads)
"""
SWEEP = """
from raygroup.config import Heads, Training, Trial
from raygroup.search_space import Sweep
sweep = Sweep(name="own", trial=Trial(heads=Heads(count=2), training=Training(steps=4, batch=8)))
"""
THAI = "\n".join(a + b + c for a in "กขค" for b in "งจฉ" for c in "ชซ") + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    (folder / "space.py").write_text(SPACE.format(rehearsal=0))
    (folder / "thai.txt").write_text(THAI)
    write_folder(folder / "words", columns=("path", "text", "task", "split"))
    return folder


def arguments(folder: Path, *more: str, out: str = "own.safetensors") -> list[str]:
    return [str(folder / "space.py"), "--out", str(folder / out), "--storage-path", str(folder / "runs"), *more]


@pytest.fixture(scope="module")
def trained(folder):
    """The output of a training on images and a list, from the shipped weights, and its weights file."""
    more = ("--words", str(folder / "words"), "--list", f"thai={folder / 'thai.txt'}", "--from", "laptop")
    with pytest.MonkeyPatch.context() as patch:
        lines = []
        patch.setattr("builtins.print", lambda *text, **_: lines.append(" ".join(map(str, text))))
        assert pretrain.main(arguments(folder, *more)) == 0
    return folder / "own.safetensors"


def test_it_trains_on_images_and_lists_and_knows_the_characters_of_both_and_of_its_first_weights(trained):
    characters = set(load_universal(trained).charset.characters)
    assert set("กขคงจฉชซ") <= characters
    about = read_weights_metadata(trained)
    assert set("中文한국") <= characters, "the shipped weights have seen them"
    assert set(about["scores"]["unseen"]) == {"mean", "hi", "la", "thai"}
    assert about["held_out"]["steps"][0] == 1
    assert set(about["held_out"]["loss"]) == {"hi", "la", "thai"}
    low, high = about["scores"]["unseen"]["la"]["exact_interval"]
    assert 0 <= low <= about["scores"]["unseen"]["la"]["exact"] <= high <= 1


def test_it_says_before_what_is_new_and_after_whether_each_task_has_converged(folder, trained, capsys):
    more = ("--words", str(folder / "words"), "--list", f"thai={folder / 'thai.txt'}", "--from", "laptop")
    assert pretrain.main(arguments(folder, *more, out="again.safetensors")) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "scripts that the trunk has never seen: Thai" in out
    assert "thai Thai 12 8 8:" in out
    assert "characters of the first weights are not in these words" in out
    assert "thai: not converged: it reads 0.00 of new images" in out
    assert "to train on them: python -m raygroup.sweep --weights" in out
    assert (folder / "again.safetensors").read_bytes() == trained.read_bytes(), "the same words and settings give the same bits"


def test_a_sweep_starts_from_the_weights_by_flag(folder, trained):
    (folder / "sweep.py").write_text(SWEEP)
    storage = folder / "sweeps"
    command = [str(folder / "sweep.py"), "--words", str(folder / "words"), "--local", "--storage-path", str(storage)]
    assert sweep.main(command) == 0
    assert sweep.main([*command, "--weights", str(trained)]) == 0
    trials = {
        json.loads((path / CONFIG_FILE).read_text())["weights"] for path in (storage / "own").iterdir() if (path / CONFIG_FILE).exists()
    }
    assert trials == {"laptop", f"cache/weights-{_digest(trained)}/weights.safetensors"}


def _digest(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def test_built_in_words_are_rehearsed_and_words_that_other_data_keeps_unseen_are_left_out(folder, tmp_path, capsys):
    (tmp_path / "space.py").write_text(SPACE.format(rehearsal=10))
    (tmp_path / "runs").mkdir()
    unseen = [row.split(",") for row in (folder / "words" / "labels.csv").read_text().splitlines() if row.endswith("unseen")]
    (tmp_path / "list.txt").write_text("\n".join(["uvwx", "xyzz", "wvut", *(row[1] for row in unseen if row[2] == "la")]))
    more = ("--words", str(folder / "words"), "--list", f"names={tmp_path / 'list.txt'}")
    assert pretrain.main([str(tmp_path / "space.py"), "--out", str(tmp_path / "w"), "--storage-path", str(tmp_path / "runs"), *more]) == 0
    out = capsys.readouterr().out
    assert "10 words of each built-in list are rendered too, against forgetting: hi, la" in out
    assert "the training starts from nothing; --from laptop starts from the shipped weights" in " ".join(out.split())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--list", "thai"], "--list thai: must be TASK=FILE, such as thai=words.txt"),
        (["--list", "thai=absent.txt"], "--list absent.txt: No such file or directory"),
        (["pretrain_mlt19"], "words.source is 'MLT19': pass words of MLT19 with --words PATH"),
        (["--words", "absent"], "no such file or folder"), (["--from", "absent.safetensors"], "--from: no file "),
        (["--words", "words", "--bad-share", "2"], "argument --bad-share: '2' must be a number from 0 to 1"),
    ],
)  # fmt: skip
def test_inputs_that_cannot_be_used_are_one_line_before_any_work(folder, monkeypatch, capsys, more, message):
    monkeypatch.chdir(folder)
    command = arguments(folder, *more, out="refused.safetensors")
    assert pretrain.main(command[1:] if more[0] == "pretrain_mlt19" else command) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not list(folder.glob("refused*"))


def test_first_weights_of_another_head_are_refused(folder, trained, tmp_path, capsys):
    (tmp_path / "small.py").write_text(SPACE.format(rehearsal=0).replace('start="independent")', 'start="independent", hidden=8)'))
    assert (
        pretrain.main([str(tmp_path / "small.py"), "--from", str(trained), "--storage-path", str(tmp_path), "--out", str(tmp_path / "w")])
        == 2
    )
    assert "has embed 32 and hidden 64, but heads has 32 and 8: they must be equal unless steps is 0" in capsys.readouterr().err


def test_lists_become_a_word_file_that_the_sweep_reads(folder, tmp_path, capsys):
    out = tmp_path / "drawn.parquet"
    command = [
        "render-words",
        str(out),
        "--list",
        f"thai={folder / 'thai.txt'}",
        "--tasks",
        "la",
        "--words",
        "5",
        "--unseen",
        "2",
        "--renders",
        "2",
    ]
    assert data.main(command) == 0
    printed = capsys.readouterr().out
    assert "thai: 18 words in Thai script" in printed
    store = open_word_store(out)
    assert set(store.metadata.tasks) == {"la", "thai"}
    assert len(store.rows_of("train")) == 2 * 5 * 2
    before = out.stat().st_mtime_ns
    assert data.main([*command, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["drawn"], summary["images"], out.stat().st_mtime_ns) == (False, len(store), before)
    assert data.main([*command, "--seed", "1"]) == 2
    assert "holds other words: delete it, or name another file" in capsys.readouterr().err
    assert sweep.main([*_tiny(tmp_path), "--words", str(out), "--dry-run"]) == 0
    assert "\nthai " in capsys.readouterr().out


def _tiny(folder: Path) -> list[str]:
    (folder / "sweep.py").write_text(SWEEP)
    return [str(folder / "sweep.py"), "--storage-path", str(folder / "runs")]


def test_drawing_nothing_is_refused(tmp_path, capsys):
    assert data.main(["render-words", str(tmp_path / "w.parquet")]) == 2
    assert "no words to draw: give --list TASK=FILE or --tasks" in capsys.readouterr().err


def test_built_in_words_may_use_as_many_characters_as_asked(tmp_path, capsys):
    def command(name, *more):
        return ["render-words", str(tmp_path / name), "--words", "30", "--unseen", "2", "--renders", "1", *more]

    for name, characters in (("few.parquet", "10,ja=3"), ("many.parquet", "300")):
        assert data.main(command(name, "--tasks", "la,ja", "--characters", characters)) == 0
    few, many = (open_word_store(tmp_path / name).columns["label"].to_pylist() for name in ("few.parquet", "many.parquet"))
    assert len(set("".join(few))) < 30 < len(set("".join(many)))
    capsys.readouterr()
    assert data.main(command("w.parquet", "--tasks", "la", "--characters", "10,ja=3")) == 2
    assert "--characters ja=...: no task of --tasks la" in capsys.readouterr().err
    assert data.main(command("w.parquet", "--characters", "10")) == 2
    assert "--characters 10: give --tasks too" in capsys.readouterr().err
