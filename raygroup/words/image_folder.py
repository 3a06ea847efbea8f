"""Write the words of a store as a folder of images with ``labels.csv``, which every tool can read."""

import csv
import shutil
from pathlib import Path

import numpy as np

from raygroup.words.word_store import WordStore

_COLUMNS = ("path", "text", "task", "split")


def write_image_folder(store: WordStore, folder: Path) -> None:
    """Write every word as ``images/<row>.png`` with a row in ``labels.csv``. The folder appears whole or not at all.

    The images must be PNG, as rendered words are. ``folder`` must not exist.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "images").mkdir(parents=True)
    digits = len(str(len(store)))
    names = [f"images/{row:0{digits}}.png" for row in range(len(store))]
    for places, images in store.images(np.arange(len(store))):
        for place, image in zip(places, images.to_pylist(), strict=True):
            (partial / names[place]).write_bytes(image)
    columns = (store.columns[name].to_pylist() for name in _COLUMNS[1:])
    with (partial / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows(zip(names, *columns, strict=True))
    partial.rename(folder)
