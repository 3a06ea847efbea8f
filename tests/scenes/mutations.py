"""Damage labels of every format and archives, and check that nothing is lost silently.

Each damaged line must be read, or reported with file and line. Each damaged archive must be read or refused.
``python tests/scenes/mutations.py --lines 100000 --archives 2000`` tries this many; its last line is one JSON object.
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
"""Format -> name of its n-th label file, and example lines."""
ITEM = {"transcription": "店", "points": [[0, 0], [9, 0], [9, 9], [0, 9]], "language": "Chinese", "illegibility": False}
WHOLE_FILES = ("art19", "lsvt19", "totaltext.mat")
LINES_PER_FILE = 20
SPICE = (
    b"\0", b"\xff", b"\xef\xbb\xbf", "\u200f".encode(), "\u202e".encode(), "\u2028".encode(), "１２".encode(), b"\r", b"\n", b",", b",,",
    b" ", b'"', b"'", b"\\", b"[", b"]]", b"nan", b"inf", b"1e999", b"-0", b"1_0", b"0x1F", b"9" * 400, b"-99999999999", b"###", b"{",
    b"\xed\xa0\x80", "😀".encode(), b"../", b"x:", b"\x1b[31m", b"," * 3000,
)  # fmt: skip


def damage(random, content):
    """Return the bytes with some flipped, removed, inserted, repeated or in another order."""
    data = bytearray(content)
    for _ in range(random.integers(1, 3)):
        start, kind = int(random.integers(0, len(data) + 1)), int(random.choice(6, p=[0.25, 0.2, 0.25, 0.2, 0.05, 0.05]))
        end = min(len(data), start + int(random.integers(1, 12)))
        if kind == 0 and start < len(data):
            data[start] ^= 1 << int(random.integers(0, 8))
        elif kind == 1:
            del data[start:end]
        elif kind == 2:
            data[start:start] = SPICE[int(random.integers(0, len(SPICE)))]
        elif kind == 3:
            data[start:start] = data[start:end]
        elif kind == 4:
            del data[start:]
        else:
            fields = bytes(data).split(b",")
            random.shuffle(fields)
            data = bytearray(b",".join(fields))
    return bytes(data)


def image():
    return cv2.imencode(".jpg", np.zeros((600, 800, 3), np.uint8))[1].tobytes()


def label_files(random, name, count):
    """Return label files with damaged lines, and the images that their readers need."""
    pattern, lines = LINES[name]
    files = {}
    for start in range(0, count, LINES_PER_FILE):
        chosen = [lines[int(random.integers(0, len(lines)))].format(start + number) for number in range(min(LINES_PER_FILE, count - start))]
        content = b"\n".join(damage(random, line.encode()) for line in chosen)
        file = pattern.format(start // LINES_PER_FILE + 1)
        files[file] = files[file] + b"\n" + content if file in files else content
        files[re.sub(r"(?:poly_)?(?:gt_)?([^/]*)\.txt$", r"\1.jpg", file)] = image()
    return files


def whole_files(random, name, count):
    """Return damaged JSON and .mat files.

    Some have items of wrong types, others damaged bytes.
    """
    files = {}
    for number in range(count // LINES_PER_FILE + 1):
        if name == "totaltext.mat":
            files |= {f"poly_gt_img{number * LINES_PER_FILE + one}.mat": damage(random, mat()) for one in range(LINES_PER_FILE)}
            continue
        images = {f"gt_{one}": [damage_item(random, ITEM) for _ in range(3)] for one in range(LINES_PER_FILE // 3)}
        content = json.dumps(images, ensure_ascii=bool(number % 2), indent=number % 3 or None).encode("utf-8", "surrogatepass")
        files[f"train_labels_{number}.json"] = damage(random, content) if number % 2 else content
    return files


def damage_item(random, item):
    """Return an item with a field that is missing or has another type."""
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
    changed = dict(item)
    key = str(random.choice(list(changed)))
    if random.random() < 0.3:
        del changed[key]
    else:
        changed[key] = others[int(random.integers(0, len(others)))]
    return changed if random.random() < 0.9 else others[int(random.integers(0, len(others)))]


def mat():
    cells = np.empty((2, 6), object)
    cells[:] = [["x:", np.array([[0, 9, 9]]), "y:", np.array([[0, 0, 9]]), "word", "c"]]
    file = io.BytesIO()
    scipy.io.savemat(file, {"polygt": cells})
    return file.getvalue()


def write_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def read_damaged_lines(random, name, count, folder):
    """Read damaged lines and return the counts of their outcomes.

    Raises AssertionError for a line that gives neither an instance nor a problem.
    """
    files = whole_files(random, name, count) if name in WHOLE_FILES else label_files(random, name, count)
    collection = Collection([write_zip(folder / "labels.zip", files)])
    scenes = [*FORMATS[name.removesuffix(".mat")].scenes(collection)]
    reported = {problem.place.removeprefix("labels.zip/") for problem in collection.problems.entries}
    seen = {f"{scene.labels.removeprefix('labels.zip/').split(':')[0]}:{one.line}" for scene in scenes for one in scene.instances}
    for file, content in files.items():
        for place in _lines_of(file, content, name):
            assert place in seen or place in reported or place.rsplit(":", 1)[0] in reported, f"{name}: {place} was lost"
    assert all(one.polygon is None or shapely.Polygon(one.polygon).is_valid for scene in scenes for one in scene.instances)
    for problem in collection.problems.entries:
        str(problem).encode()
    outcomes = Counter(read=len(seen), reported=collection.problems.counts.total(), lines=count)
    try:
        format_of(collection)
    except ConfigError:
        outcomes["of no format"] += 1
    return outcomes


def _lines_of(file, content, name):
    """Yield ``file:line`` of every line with text.

    The lines are split in another way than the reader does.
    """
    if name in WHOLE_FILES or not file.endswith(".txt"):
        return
    content = content.removeprefix(b"\xef\xbb\xbf")
    while b"\r\n" in content:
        content = content.replace(b"\r\n", b"\n")
    for number, line in enumerate(content.replace(b"\r", b"\n").split(b"\n"), start=1):
        text = line.decode("utf-8", "replace")
        begins = name != "totaltext" or text.lstrip().startswith("x:")
        if text.strip() and begins:
            yield f"{file}:{number}"


ORIGINALS = {
    **{f"gt/gt_img_{number:05}.txt": f"{BOX},Latin,Castle\n".encode() * 5 for number in range(1, 7)},
    **{f"img/ts_img_{number:05}.jpg": np.random.default_rng(number).bytes(1500) for number in range(1, 7)},
}
KINDS = ("zip", "stored", "tar", "tar.gz", "tar.bz2", "tar.xz")


def write_archive(random, path, kind):
    """Write a damaged archive to ``path``, and return the kind of damage."""
    damage_kind = str(
        random.choice(["cut", "flipped", "flipped header", "lying", "names", "twice", "bomb"], p=[0.2, 0.25, 0.2, 0.15, 0.1, 0.08, 0.02])
    )
    entries = [*ORIGINALS.items()]
    if damage_kind == "names":
        bad_names = [
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
        entries += [(str(random.choice(bad_names)), b"evil") for _ in range(3)]
    if damage_kind == "twice":
        entries += [entries[int(random.integers(0, len(entries)))]]
    if damage_kind == "bomb":
        entries.insert(int(random.integers(0, len(entries))), (str(random.choice(["gt/gt_img_00008.txt", "img/b.jpg"])), bytes(290 << 20)))
    _write(path, kind, entries)
    if damage_kind not in ("names", "twice", "bomb"):
        path.write_bytes(_damage_archive(random, path.read_bytes(), damage_kind, kind))
    return damage_kind


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


def _damage_archive(random, content, damage_kind, kind):
    if damage_kind == "cut":
        return content[: int(random.integers(0, len(content)))]
    data = bytearray(content)
    if damage_kind == "lying" and kind in ("zip", "stored"):
        starts = [match.start() for match in re.finditer(b"PK[\1\3\5][\2\4\6]", content)]
        start = starts[int(random.integers(0, len(starts)))] + 4 + int(random.integers(0, 30))
        data[start : start + 4] = [b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0"][int(random.integers(0, 3))]
    elif damage_kind == "lying" and kind == "tar":
        header = 512 * int(random.choice([place for place in range(len(content) // 512) if content[place * 512 + 257 :][:5] == b"ustar"]))
        field, value = [
            (124, b"77777777777\0"),
            (124, b"\x80" + b"\xff" * 11),
            (124, b"\xff" * 8 + b"\0\0\0\0"),
            (156, b"L"),
            (156, b"x"),
            (156, b"S"),
        ][int(random.integers(0, 6))]
        data[header + field : header + field + len(value)] = value
        data[header + 148 : header + 156] = b"%06o\0 " % (256 + sum(data[header : header + 148]) + sum(data[header + 156 : header + 512]))
    else:
        last = 512 if damage_kind == "flipped header" else len(data)
        for _ in range(random.integers(1, 6)):
            data[int(random.integers(0, last)) % len(data)] ^= 1 << int(random.integers(0, 8))
    return bytes(data)


def read_damaged_archive(path, damage_kind):
    """Read everything in an archive and return the outcome.

    Raises AssertionError if a file is lost without a problem, unless the archive has false sizes.
    """
    try:
        collection = Collection([path])
        label_format = format_of(collection, "mlt19")
    except ConfigError as error:
        return "refused" if str(path) in str(error) else f"refused without its name: {error}"
    scenes = [*label_format.scenes(collection)]
    contents = dict(collection.stream(collection.members))
    lost = set(ORIGINALS) - {member.name for member in collection.members}
    renamed = {member.name for member in collection.members} - set(ORIGINALS)
    assert not lost or collection.problems.counts or renamed or damage_kind == "lying", f"{lost} were lost"
    assert len(contents) == len(collection.members)
    assert not any(scene.name.startswith(("/", "..")) for scene in scenes)
    broken = any(isinstance(content, UnreadableFileError) for content in contents.values())
    return "reported" if broken or collection.problems.counts else "read"


def run(seed, num_lines, num_archives):
    """Read damaged lines and archives, and return the outcomes, times and peak memory."""
    random = np.random.default_rng(seed)
    names = [*LINES, *WHOLE_FILES]
    lines, kinds, slowest = Counter(), Counter(), 0.0
    start_s = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(0, num_lines, 500):
            lines += read_damaged_lines(random, names[number // 500 % len(names)], min(500, num_lines - number), Path(folder))
        lines_s = time.perf_counter() - start_s
        for number in range(num_archives):
            path = Path(folder) / "archive"
            kind = KINDS[number % len(KINDS)]
            damage_kind = write_archive(random, path, kind)
            archive_start_s = time.perf_counter()
            kinds[f"{damage_kind}: {read_damaged_archive(path, damage_kind)}"] += 1
            slowest = max(slowest, time.perf_counter() - archive_start_s)
    return {
        "seed": seed, "lines": dict(lines), "lines_s": round(lines_s, 1), "archives": dict(sorted(kinds.items())),
        "archives_s": round(time.perf_counter() - start_s - lines_s, 1), "slowest_archive_s": round(slowest, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--archives", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    print(json.dumps(run(arguments.seed, arguments.lines, arguments.archives)))


if __name__ == "__main__":
    main()
