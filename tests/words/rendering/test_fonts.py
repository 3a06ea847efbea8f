import importlib.util
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from raygroup.errors import ConfigError
from raygroup.tasks import TASKS
from raygroup.words.rendering import fonts
from raygroup.words.rendering.font_folder import unread_font_lines
from raygroup.words.rendering.fonts import MIN_FAMILIES, can_write, code_points, find_fonts, fonts_fingerprint, scan_folder
from raygroup.words.rendering.shaping import ink

_CACHED = (fonts._package_fonts, fonts._system_fonts)


@pytest.fixture
def limit_search(monkeypatch):
    """Limit the search for fonts to these packages and folders."""

    def limit(packages=(), system=()):
        monkeypatch.setattr(fonts, "PACKAGES", tuple(packages))
        monkeypatch.setattr(fonts, "SYSTEM_FOLDERS", tuple(system))
        for cached in _CACHED:
            cached.cache_clear()

    yield limit
    monkeypatch.undo()
    for cached in _CACHED:
        cached.cache_clear()


def write_font(path: Path, characters: str, family: str = "Made", style: str = "Regular") -> Path:
    """Write a font without language systems.

    It has one square for all characters.
    """
    pen = TTGlyphPen(None)
    for move, point in (("moveTo", (50, 0)), ("lineTo", (50, 700)), ("lineTo", (550, 700)), ("lineTo", (550, 0))):
        getattr(pen, move)(point)
    pen.closePath()
    square = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap(dict.fromkeys(map(ord, characters), "square"))
    builder.setupGlyf({".notdef": square, "square": square})
    builder.setupHorizontalMetrics({".notdef": (600, 50), "square": (600, 50)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": style})
    builder.setupOS2()
    builder.setupPost()
    path.parent.mkdir(parents=True, exist_ok=True)
    builder.save(path)
    return path


def families(fonts):
    return {font.family for font in fonts}


def package(name):
    return scan_folder(Path(importlib.util.find_spec(name).submodule_search_locations[0]))


@pytest.mark.parametrize("task", TASKS)
def test_the_font_packages_alone_give_every_task_two_families(task, limit_search):
    limit_search(packages=fonts.PACKAGES)
    assert len(families(find_fonts(task))) >= MIN_FAMILIES == 2


@pytest.mark.parametrize("task", TASKS)
def test_every_font_of_a_task_has_its_probe_letters_and_is_upright(task):
    for font in find_fonts(task):
        assert set(map(ord, TASKS[task].probe)) <= code_points(font.path, font.index)
        assert "italic" not in Path(font.path).stem.lower()


def test_a_simplified_chinese_font_covers_japanese_but_is_not_used_for_it():
    for font in package("pylopdf_fonts_zh_cn"):
        assert set(map(ord, TASKS["ja"].probe)) <= code_points(font.path, font.index)
        assert can_write(font, TASKS["zh"])
        assert not can_write(font, TASKS["ja"])
        assert font not in find_fonts("ja")


def test_a_japanese_font_is_used_neither_for_chinese_nor_for_korean():
    for font in package("pylopdf_fonts_jp"):
        assert can_write(font, TASKS["ja"])
        assert not can_write(font, TASKS["zh"])
        assert not can_write(font, TASKS["ko"])


def test_fonts_of_han_tasks_do_not_write_latin_words():
    han = {font.path for task in ("zh", "ja", "ko") for font in find_fonts(task)}
    assert han.isdisjoint(font.path for font in find_fonts("la"))


def test_noto_sans_sc_and_noto_sans_jp_draw_the_same_ideograph_differently():
    chinese = next(font for font in find_fonts("zh") if font.family == "Noto Sans SC")
    japanese = next(font for font in find_fonts("ja") if font.family == "Noto Sans JP")
    for ideograph in "直骨返":
        masks = [ink(ideograph, font, task, 96)[0] for font, task in ((chinese, "zh"), (japanese, "ja"))]
        one, other = (cv2.resize(picture, (96, 96)).astype(np.float32) for picture in masks)
        assert np.abs(one - other).mean() > 10


def test_a_font_without_language_systems_can_write_a_han_task_only_if_it_lacks_the_letters_of_the_others(limit_search, tmp_path):
    japanese, both = TASKS["ja"].probe, TASKS["ja"].probe + TASKS["zh"].probe
    write_font(tmp_path / "a.ttf", japanese, "Kana Made")
    write_font(tmp_path / "b.ttf", both, "Pan Made")
    limit_search(system=[tmp_path])
    assert families(find_fonts("ja")) == {"Kana Made"}
    with pytest.raises(ConfigError, match="no font for Chinese"):
        find_fonts("zh")


@pytest.mark.parametrize("task", TASKS)
def test_without_a_font_one_line_names_the_task_and_the_remedies(task, limit_search, tmp_path):
    limit_search(packages=["no_such_package_of_fonts"], system=[tmp_path, tmp_path / "absent"])
    with pytest.raises(ConfigError) as error:
        find_fonts(task)
    message = str(error.value)
    assert message.startswith(f"no font for {TASKS[task].title} ({task})")
    assert "--fonts" in message
    assert "\n" not in message


def test_a_missing_font_folder_is_an_error_with_its_path(tmp_path):
    with pytest.raises(ConfigError, match=r"^--fonts .*/absent: no such folder$"):
        find_fonts("la", tmp_path / "absent")


def test_fonts_in_any_subfolder_of_the_users_folder_are_added(tmp_path):
    write_font(tmp_path / "deep" / "er" / "mine.TTF", TASKS["la"].probe, "Mine")
    with_users = find_fonts("la", tmp_path)
    assert set(with_users) - set(find_fonts("la")) == {font for font in with_users if font.family == "Mine"}
    assert "Mine" in families(with_users)


def test_system_fonts_are_used_only_if_packages_give_fewer_than_two_families(limit_search, tmp_path):
    packages = fonts.PACKAGES
    write_font(tmp_path / "system.ttf", TASKS["ko"].probe, "Of The System")
    limit_search(packages=packages, system=[tmp_path])
    assert "Of The System" not in families(find_fonts("ko"))
    limit_search(system=[tmp_path])
    assert families(find_fonts("ko")) == {"Of The System"}


def test_italic_fonts_broken_fonts_and_other_files_are_skipped(tmp_path):
    write_font(tmp_path / "slanted.ttf", TASKS["la"].probe, "Slanted", "Italic")
    write_font(tmp_path / "Mine-BoldItalic.otf", TASKS["la"].probe, "Slanted")
    (tmp_path / "broken.ttf").write_bytes(b"not a font at all")
    (tmp_path / "empty.ttc").write_bytes(b"")
    (tmp_path / "cut.otf").write_bytes(Path(find_fonts("la")[0].path).read_bytes()[:5000])
    (tmp_path / "OFL.txt").write_text("licence")
    mine = write_font(tmp_path / "mine.ttf", TASKS["la"].probe, "Mine")
    assert [font.path for font in find_fonts("la", tmp_path) if font not in find_fonts("la")] == [str(mine)]
    assert [*unread_font_lines(tmp_path)] == [
        f"--fonts {tmp_path}/{file}: looks like a font and cannot be read: {reason}"
        for file, reason in (("broken.ttf", "no font"), ("cut.otf", "cut off"), ("empty.ttc", "the file is empty"))
    ]


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("empty.ttf", b"", "the file is empty"),
        ("page.ttf", b"\n<!DOCTYPE html><html>", "a web page or XML, not a font"),
        ("pointer.otf", b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a Git LFS pointer: fetch the file itself"),
        ("own.woff2", b"wOF2", "of a kind that is not read: convert it to .ttf or .otf"),
    ],
)
def test_a_folder_that_gives_no_font_is_an_error_with_the_reasons(tmp_path, file, content, reason):
    with pytest.raises(ConfigError, match=rf"^--fonts {tmp_path}: no upright \.ttf, \.otf or \.ttc font$"):
        find_fonts("la", tmp_path)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        find_fonts("la", tmp_path)
    assert str(raised.value).endswith(f"font; cannot be read: {file} ({reason})")


def test_a_pipe_among_the_fonts_is_named_and_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.ttf")
    with pytest.raises(ConfigError, match=r"cannot be read: pipe\.ttf \(not a file\)$"):
        find_fonts("la", tmp_path)


def test_a_folder_whose_fonts_write_no_task_is_an_error(tmp_path):
    write_font(tmp_path / "thai.ttf", "\u0e01\u0e02", "Thai")
    with pytest.raises(ConfigError, match="1 upright fonts, none of which can write a task"):
        find_fonts("la", tmp_path)


def test_the_fingerprint_of_fonts_depends_on_their_bytes_and_not_on_name_or_folder(tmp_path):
    original = find_fonts("bn")[0]
    (tmp_path / "here").mkdir()
    shutil.copy(original.path, tmp_path / "here" / "renamed.ttf")
    copied = scan_folder(tmp_path / "here")
    assert fonts_fingerprint(tuple(copied)) == fonts_fingerprint((original,))
    other = scan_folder(write_font(tmp_path / "there" / "renamed.ttf", "a").parent)
    assert fonts_fingerprint(tuple(other)) != fonts_fingerprint((original,))


def test_fonts_are_found_in_the_same_order_every_time(limit_search):
    packages = fonts.PACKAGES
    before = {task: find_fonts(task) for task in TASKS}
    limit_search(packages=packages, system=fonts.SYSTEM_FOLDERS)
    assert {task: find_fonts(task) for task in TASKS} == before
