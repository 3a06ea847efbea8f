"""``data render-words``: draw word images from word lists, in any script that has a font."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.config import Words
from raygroup.config_sections import fingerprint
from raygroup.data.inputs import Subparsers, add_json_argument, parse_characters
from raygroup.data.progress import show_progress
from raygroup.errors import ConfigError
from raygroup.files.places import parse_local_path
from raygroup.terminal import print_json, print_line, print_words
from raygroup.values import COUNT, SEED, SHARE, WORKERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from raygroup.words.rendering.own_lists import OwnList
    from raygroup.words.rendering.synthesis import Rendering
    from raygroup.words.word_store import WordStore

_DEFAULTS = Words()


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand and its flags."""
    parser = commands.add_parser("render-words", help="draw word images from your word lists, in any script that has a font")
    parser.set_defaults(run=run)
    parser.add_argument(
        "out",
        type=parse_local_path,
        metavar="OUT",
        help="OUT.parquet, or a new folder of images with labels.csv; --words reads both",
    )
    parser.add_argument(
        "--list", action="append", default=[], metavar="TASK=FILE", help="a text file with one word on each line; may be repeated"
    )
    parser.add_argument("--tasks", metavar="ar,bn,...", help="also draw these tasks from the built-in lists")
    parser.add_argument("--words", type=COUNT.parse, default=600, metavar="N", help="training words of each task (default: 600)")
    parser.add_argument("--unseen", type=COUNT.parse, default=60, metavar="N", help="words of each task kept unseen (default: 60)")
    parser.add_argument("--split", choices=("all", "unseen"), default="all", help="unseen: only unseen words, to test with")
    parser.add_argument(
        "--characters", type=parse_characters, metavar="N|TASK=N,...",
        help="most frequent characters that words of --tasks may use (default: as in a sweep); 600,ja=1500 sets tasks apart",
    )  # fmt: skip
    parser.add_argument("--renders", type=COUNT.parse, default=6, metavar="N", help="training images of each word (default: 6)")
    parser.add_argument("--max-characters", type=COUNT.parse, default=8, metavar="N", help="longest word (default: 8; at most 31)")
    parser.add_argument("--variation", type=SHARE.parse, default=0.6, help="strength of the scene-like variation (default: 0.6)")
    parser.add_argument(
        "--photographs", type=SHARE.parse, default=0.0, help="share of images that look cut out of a photograph (default: 0)"
    )
    parser.add_argument("--seed", type=SEED.parse, default=0, help="the same seed and settings give the same pixels (default: 0)")
    parser.add_argument("--fonts", type=parse_local_path, metavar="DIR", help="a folder of more fonts")
    parser.add_argument("--workers", type=WORKERS.parse, metavar="N", help="processes (default: one for each core)")
    add_json_argument(parser)


def run(options: argparse.Namespace, out: "Console") -> None:
    """Draw the words, and print what was drawn and what was dropped."""
    from raygroup.words.rendering.font_folder import unread_font_lines
    from raygroup.words.rendering.own_lists import parse_own_list

    tasks = tuple(options.tasks.split(",")) if options.tasks else ()
    settings = drawing_settings(
        tasks, options.characters, words_per_task=options.words, unseen_per_task=options.unseen, renders=options.renders,
        max_characters=options.max_characters, variation=options.variation, photographs=options.photographs, seed=options.seed,
    )  # fmt: skip
    with show_progress(out, quiet=options.json) as report:
        summary = render_words(
            options.out,
            map(parse_own_list, options.list),
            settings,
            tasks,
            split=options.split,
            fonts=options.fonts,
            workers=options.workers,
            progress=report,
        )
    summary["unread_fonts"] = [*unread_font_lines(options.fonts)]
    if options.json:
        print_json(summary)
        return
    for line in [*summary["unread_fonts"], *summary["lists"]]:
        print_words(out, line)
    for task, count in summary["missing_glyph"].items():
        print_line(out, f"{count} images dropped, {task}: a glyph was missing in every font")
    words = ", ".join(f"{task} {counts.get('train', 0)} + {counts.get('unseen', 0)} unseen" for task, counts in summary["words"].items())
    state = "" if summary["drawn"] else " (there already)"
    print_line(out, f"{summary['images']} images{state} of words ({words}) in {options.out}")
    print_line(out, f"to train on them: python -m raygroup.sweep --words {options.out}")


def drawing_settings(
    tasks: tuple[str, ...], characters: tuple[int, tuple[tuple[str, int], ...]] | None = None, **settings: Any
) -> Words:  # fmt: skip
    """Return the settings of a rendering.

    ``characters`` is the number of all tasks and the pairs of tasks that differ. Without it, tasks have as many as in a sweep. Raises
    ConfigError for a pair of a task that is not drawn.
    """
    from raygroup.words.rendering.synthesis import words_of_tasks

    words = Words(**settings)
    if characters is None:
        return words_of_tasks(words, tasks) if tasks else words
    common, pairs = characters
    if strange := [name for name, _ in pairs if name not in tasks]:
        raise ConfigError(f"--characters {strange[0]}=...: no task of --tasks {','.join(tasks) or '(none)'}")
    if not tasks:
        raise ConfigError(f"--characters {common}: give --tasks too: lists of yours keep all their characters")
    return replace(words, tasks=tasks, characters=tuple(dict(pairs).get(task, common) for task in tasks))


def render_words(
    out: Path, lists: "Iterable[tuple[str, Path]]", settings: Words = _DEFAULTS, tasks: tuple[str, ...] = (), *,
    split: str = "all", fonts: Path | None = None, workers: int | None = None, progress: Any = lambda label, done, total: None,
) -> dict[str, Any]:  # fmt: skip
    """Draw word images into a Parquet file or a folder. ``--words`` reads both.

    ``lists`` are pairs of a task and a text file with one word on each line. ``tasks`` are drawn from the built-in lists, within
    ``settings``, which must have the same tasks. ``split`` is ``all`` or ``unseen``. If a file holds the same words already, nothing is
    drawn. Returns the counts.

    Raises ConfigError for a list or fonts that cannot be used, and if ``out`` is another file or a folder that is there.
    """
    from raygroup.words.rendering.own_lists import read_own_lists
    from raygroup.words.rendering.own_rendering import list_lines
    from raygroup.words.word_store import open_word_store

    own_lists = read_own_lists(lists)
    rendering = _rendering(own_lists, settings, tasks, split, fonts)
    if out.suffix == ".parquet":
        is_new = not _holds(out, rendering)
        if is_new:
            _draw(out, rendering, workers, progress)
        store = open_word_store(out)
    else:
        is_new, store = True, _draw_folder(out, rendering, workers, progress)
    return {
        "out": str(out), "drawn": is_new, "images": len(store), "tasks": list(store.metadata.tasks), **store.metadata.report,
        "lists": list_lines(own_lists, rendering),
    }  # fmt: skip


def _rendering(own_lists: "tuple[OwnList, ...]", settings: Words, tasks: tuple[str, ...], split: str, fonts: Path | None) -> "Rendering":
    from raygroup.words.rendering.own_rendering import join_renderings, plan_own_rendering
    from raygroup.words.rendering.synthesis import plan_rendering

    parts = ([plan_rendering(settings, fonts)] if tasks else []) + ([plan_own_rendering(own_lists, settings, fonts)] if own_lists else [])
    if not parts:
        raise ConfigError("no words to draw: give --list TASK=FILE or --tasks")
    rendering = join_renderings(*parts) if len(parts) > 1 else parts[0]
    if split == "all":
        return rendering
    orders = [order for order in rendering.orders if order.split == split]
    return replace(rendering, orders=orders, fingerprint=fingerprint(rendering.fingerprint, split))


def _draw(file: Path, rendering: "Rendering", workers: int | None, progress: Any) -> None:
    from raygroup.runtime.preparation.prepare import render_store
    from raygroup.runtime.processes import WorkerPool, cores

    with WorkerPool(workers or cores()) as pool:
        render_store(file, rendering, progress, pool)


def _draw_folder(folder: Path, rendering: "Rendering", workers: int | None, progress: Any) -> "WordStore":
    """Draw into a folder of images. Returns the store that they came from, without its images."""
    from raygroup.words.image_folder import write_image_folder
    from raygroup.words.word_store import open_word_store

    if folder.exists():
        raise ConfigError(f"{folder}: is there already: delete it, or name another folder, or a file that ends in .parquet")
    file = folder.with_name(f"{folder.name}.partial.parquet")
    _draw(file, rendering, workers, progress)
    store = open_word_store(file)
    write_image_folder(store, folder)
    file.unlink()
    return store


def _holds(out: Path, rendering: "Rendering") -> bool:
    """Return True if a file holds this rendering. Raises ConfigError if it is something else."""
    from raygroup.words.word_store import open_word_store

    if not out.exists():
        return False
    if open_word_store(out).metadata.fingerprint != rendering.fingerprint:
        raise ConfigError(f"{out}: holds other words: delete it, or name another file")
    return True
