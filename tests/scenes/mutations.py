"""Damaged labels of every format and damaged archives: each line is read or told of with file and line, each archive read or refused.

``python tests/scenes/mutations.py --lines 100000 --archives 2000`` reads so many of them; its last line is one JSON object.
"""

import argparse
import io
import json
import re
import resource
import tarfile
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import scipy.io
import shapely

from raygroup.errors import ConfigError, UnreadableFileError
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import FORMATS, format_of

BOX = "131,34,181,34,179,47,131,49"
CURVE = "428,376,599,340,788,417,737,454,616,394,446,420"
LINES = {
    "icdar13": ("gt_img_{}.txt", ['158 128 411 181 "Footpath"', '38, 43, 920, 215, "Tired, \\"ness\\""']),
    "icdar15": ("gt_img_{}.txt", [f"{BOX},Genaxis Theatre", f"{BOX},$8,888", f"{BOX},###"]),
    "mlt17": ("gt_img_{}.txt", [f"{BOX},Latin,Castle", f"{BOX},None,###"]),
    "mlt19": ("tr_img_{:05}.txt", [f"{BOX},Arabic,المكرمة", f"{BOX},Hindi,शब्द", f"{BOX},Symbols,@"]),
    "mlt-polygons": ("p{}.txt", [f"{CURVE},Latin,naughty", f"{BOX},Korean,한국"]),
    "rctw17": ("image_{}.txt", [f'{BOX},0,"金氏眼镜"', f'{BOX},1,"###"']),
    "synthtextmlt": ("Bangla/{}.txt", ["0 0.512 0.334 0.105 0.031 -0.087 শব্দ", "0 0.5 0.5 0.1 0.1 0 *"]),
    "synthtextmlt-e2e": ("Hindi/{}.txt", ["0 0.512 0.334 0.105 0.031 -0.087 शब्द"]),
    "synthtextmlt-gt": ("Latin_gt/{}.txt", [f"0.5,{BOX[4:]},Latin,Castle"]),
    "totaltext": ("poly_gt_img{}.txt", ["x: [[259 313 389]], y: [[542 462 417]], ornt: [u'c'], transcriptions: [u'PAUL']"]),
    "totaltext-lines": ("t{}.txt", [f"{CURVE},naughty", f"{BOX},12"]),
    "mlt19-words": ("gt.txt", ["word_{}.png,Arabic,المكرمة", "word_{}.png,Latin,1,5 km"]),
    "icdar13-words": ("gt.txt", ['word_{}.png, "PROPER"']),
}
"""Format -> the name of its n-th label file, and lines of it."""
ITEM = {"transcription": "店", "points": [[0, 0], [9, 0], [9, 9], [0, 9]], "language": "Chinese", "illegibility": False}
WHOLE = ("art19", "lsvt19", "totaltext.mat")
A_FILE = 20
"""Lines of one label file."""
SPICE = (
    b"\0", b"\xff", b"\xef\xbb\xbf", "\u200f".encode(), "\u202e".encode(), "\u2028".encode(), "１２".encode(), b"\r", b"\n", b",", b",,",
    b" ", b'"', b"'", b"\\", b"[", b"]]", b"nan", b"inf", b"1e999", b"-0", b"1_0", b"0x1F", b"9" * 400, b"-99999999999", b"###", b"{",
    b"\xed\xa0\x80", "😀".encode(), b"../", b"x:", b"\x1b[31m", b"," * 3000,
)  # fmt: skip


def damaged(random, content):
    """The bytes with some of them flipped, gone, doubled, moved, or with something among them."""
    found = bytearray(content)
    for _ in range(random.integers(1, 3)):
        at, kind = int(random.integers(0, len(found) + 1)), int(random.choice(6, p=[0.25, 0.2, 0.25, 0.2, 0.05, 0.05]))
        end = min(len(found), at + int(random.integers(1, 12)))
        if kind == 0 and at < len(found):
            found[at] ^= 1 << int(random.integers(0, 8))
        elif kind == 1:
            del found[at:end]
        elif kind == 2:
            found[at:at] = SPICE[int(random.integers(0, len(SPICE)))]
        elif kind == 3:
            found[at:at] = found[at:end]
        elif kind == 4:
            del found[at:]
        else:
            fields = bytes(found).split(b",")
            random.shuffle(fields)
            found = bytearray(b",".join(fields))
    return bytes(found)


def image():
    return cv2.imencode(".jpg", np.zeros((600, 800, 3), np.uint8))[1].tobytes()


def label_files(random, name, count):
    """Name -> bytes of label files of damaged lines, with the images whose sizes they need."""
    pattern, lines = LINES[name]
    files = {}
    for start in range(0, count, A_FILE):
        drawn = [lines[int(random.integers(0, len(lines)))].format(start + number) for number in range(min(A_FILE, count - start))]
        content = b"\n".join(damaged(random, line.encode()) for line in drawn)
        file = pattern.format(start // A_FILE + 1)
        files[file] = files[file] + b"\n" + content if file in files else content
        files[re.sub(r"(?:poly_)?(?:gt_)?([^/]*)\.txt$", r"\1.jpg", file)] = image()
    return files


def whole_files(random, name, count):
    """JSON and .mat files: items of wrong types, and files with damaged bytes, which count as a line each."""
    files = {}
    for number in range(count // A_FILE + 1):
        if name == "totaltext.mat":
            files |= {f"poly_gt_img{number * A_FILE + one}.mat": damaged(random, mat()) for one in range(A_FILE)}
            continue
        images = {f"gt_{one}": [odd(random, ITEM) for _ in range(3)] for one in range(A_FILE // 3)}
        content = json.dumps(images, ensure_ascii=bool(number % 2), indent=number % 3 or None).encode("utf-8", "surrogatepass")
        files[f"train_labels_{number}.json"] = damaged(random, content) if number % 2 else content
    return files


def odd(random, item):
    """An item with a field that is missing or of another type."""
    others = [
        None,
        True,
        3,
        -1e300,
        "x",
        "",
        "\ud800",
        [],
        [[]],
        {},
        [[0, 0], [1]],
        [["1", 2]] * 4,
        [[float("nan"), 0]] * 4,
        [[10**400, 0]] * 4,
    ]
    found = dict(item)
    key = str(random.choice(list(found)))
    if random.random() < 0.3:
        del found[key]
    else:
        found[key] = others[int(random.integers(0, len(others)))]
    return found if random.random() < 0.9 else others[int(random.integers(0, len(others)))]


def mat():
    cells = np.empty((2, 6), object)
    cells[:] = [["x:", np.array([[0, 9, 9]]), "y:", np.array([[0, 0, 9]]), "word", "c"]]
    file = io.BytesIO()
    scipy.io.savemat(file, {"polygt": cells})
    return file.getvalue()


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def read_damaged_lines(random, name, count, folder):
    """Reads them; raises AssertionError for a line that is neither an instance nor told of. Counts what became of them."""
    files = whole_files(random, name, count) if name in WHOLE else label_files(random, name, count)
    collection = Collection([zipped(folder / "labels.zip", files)])
    scenes = [*FORMATS[name.removesuffix(".mat")].scenes(collection)]
    told = {problem.place.removeprefix("labels.zip/") for problem in collection.problems.entries}
    seen = {f"{scene.labels.removeprefix('labels.zip/').split(':')[0]}:{one.line}" for scene in scenes for one in scene.instances}
    for file, content in files.items():
        for place in _lines_of(file, content, name):
            assert place in seen or place in told or place.rsplit(":", 1)[0] in told, f"{name}: {place} was lost"
    assert all(one.polygon is None or shapely.Polygon(one.polygon).is_valid for scene in scenes for one in scene.instances)
    for problem in collection.problems.entries:
        str(problem).encode()
    with_names = Counter(read=len(seen), told=collection.problems.counts.total(), lines=count)
    try:
        format_of(collection)
    except ConfigError:
        with_names["of no format"] += 1
    return with_names


def _lines_of(file, content, name):
    """``file:line`` of every line that holds something, split by other means than the reader's."""
    if name in WHOLE or not file.endswith(".txt"):
        return
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        text = line.decode("utf-8", "replace").removesuffix("\r")
        begins = name != "totaltext" or text.lstrip().startswith("x:")
        if text.strip() and begins:
            yield f"{file}:{number}"


ORIGINALS = {
    **{f"gt/gt_img_{number:05}.txt": f"{BOX},Latin,Castle\n".encode() * 5 for number in range(1, 7)},
    **{f"img/ts_img_{number:05}.jpg": np.random.default_rng(number).bytes(1500) for number in range(1, 7)},
}
KINDS = ("zip", "stored", "tar", "tar.gz", "tar.bz2", "tar.xz")


def archive(random, path, kind):
    """One damaged archive: written to ``path``; how it was damaged."""
    how = str(
        random.choice(["cut", "flipped", "flipped header", "lying", "names", "twice", "bomb"], p=[0.2, 0.25, 0.2, 0.15, 0.1, 0.08, 0.02])
    )
    entries = [*ORIGINALS.items()]
    if how == "names":
        evil = [
            "../x.txt",
            "/abs.txt",
            "a\\..\\..\\x.txt",
            "C:x.txt",
            "\udcff.txt",
            "a\nb.txt",
            "x" * 3000,
            "CON",
            ".",
            "gt/../gt/gt_img_00009.txt",
        ]
        entries += [(str(random.choice(evil)), b"evil") for _ in range(3)]
    if how == "twice":
        entries += [entries[int(random.integers(0, len(entries)))]]
    if how == "bomb":
        entries.insert(int(random.integers(0, len(entries))), (str(random.choice(["gt/gt_img_00008.txt", "img/b.jpg"])), bytes(290 << 20)))
    _write(path, kind, entries)
    if how not in ("names", "twice", "bomb"):
        path.write_bytes(_damaged_archive(random, path.read_bytes(), how, kind))
    return how


def _write(path, kind, entries):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind in ("zip", "stored"):
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if kind == "zip" else zipfile.ZIP_STORED) as file:
                for name, content in entries:
                    file.writestr(name.encode("utf-8", "replace").decode(), content)
            return
    with tarfile.open(path, f"w:{kind[4:]}", format=tarfile.GNU_FORMAT, errors="surrogateescape") as file:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            file.addfile(entry, io.BytesIO(content))


def _damaged_archive(random, content, how, kind):
    if how == "cut":
        return content[: int(random.integers(0, len(content)))]
    found = bytearray(content)
    if how == "lying" and kind in ("zip", "stored"):
        starts = [match.start() for match in re.finditer(b"PK[\1\3\5][\2\4\6]", content)]
        at = starts[int(random.integers(0, len(starts)))] + 4 + int(random.integers(0, 30))
        found[at : at + 4] = [b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0"][int(random.integers(0, 3))]
    elif how == "lying" and kind == "tar":
        at = 512 * int(random.choice([place for place in range(len(content) // 512) if content[place * 512 + 257 :][:5] == b"ustar"]))
        start, value = [
            (124, b"77777777777\0"),
            (124, b"\x80" + b"\xff" * 11),
            (124, b"\xff" * 8 + b"\0\0\0\0"),
            (156, b"L"),
            (156, b"x"),
            (156, b"S"),
        ][int(random.integers(0, 6))]
        found[at + start : at + start + len(value)] = value
        found[at + 148 : at + 156] = b"%06o\0 " % (256 + sum(found[at : at + 148]) + sum(found[at + 156 : at + 512]))
    else:
        last = 512 if how == "flipped header" else len(found)
        for _ in range(random.integers(1, 6)):
            found[int(random.integers(0, last)) % len(found)] ^= 1 << int(random.integers(0, 8))
    return bytes(found)


def read_damaged_archive(path, how):
    """Reads everything in it; raises AssertionError where a file is lost without a word, unless the archive lies. What became of it."""
    try:
        collection = Collection([path])
        known = format_of(collection, "mlt19")
    except ConfigError as error:
        return "refused" if str(path) in str(error) else f"refused without its name: {error}"
    scenes = [*known.scenes(collection)]
    contents = dict(collection.stream(collection.members))
    lost = set(ORIGINALS) - {member.name for member in collection.members}
    renamed = {member.name for member in collection.members} - set(ORIGINALS)
    assert not lost or collection.problems.counts or renamed or how == "lying", f"{lost} were lost"
    assert len(contents) == len(collection.members)
    assert not any(scene.name.startswith(("/", "..")) for scene in scenes)
    broken = any(isinstance(content, UnreadableFileError) for content in contents.values())
    return "told of" if broken or collection.problems.counts else "read"


def run(seed, num_lines, num_archives):
    """What became of so many damaged lines and archives; the slowest and the largest of them."""
    random = np.random.default_rng(seed)
    names = [*LINES, *WHOLE]
    lines, kinds, slowest = Counter(), Counter(), 0.0
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(0, num_lines, 500):
            lines += read_damaged_lines(random, names[number // 500 % len(names)], min(500, num_lines - number), Path(folder))
        lines_s = time.perf_counter() - begun
        for number in range(num_archives):
            path = Path(folder) / "archive"
            kind = KINDS[number % len(KINDS)]
            how = archive(random, path, kind)
            began = time.perf_counter()
            kinds[f"{how}: {read_damaged_archive(path, how)}"] += 1
            slowest = max(slowest, time.perf_counter() - began)
    return {
        "seed": seed, "lines": dict(lines), "lines_s": round(lines_s, 1), "archives": dict(sorted(kinds.items())),
        "archives_s": round(time.perf_counter() - begun - lines_s, 1), "slowest_archive_s": round(slowest, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--archives", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(f"seed {given.seed}")
    print(json.dumps(run(given.seed, given.lines, given.archives)))


if __name__ == "__main__":
    main()
