"""Total-Text: polygons are read from .mat files and from printed arrays."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
import scipy.io
from label_files_for_tests import corners, read, read_paths, real_scenes, texts, write

from raygroup.errors import MatFileError
from raygroup.scenes.formats.syntax.matlab import cell_rows

PAUL = "x: [[259 313 389]], y: [[542 462 417]], ornt: [u'c'], transcriptions: [u'PAUL']"


def mat(rows, name="polygt", **options):
    cells = np.empty((len(rows), 6), object)
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            cells[number, place] = cell
    file = BytesIO()
    scipy.io.savemat(file, {name: cells}, **options)
    return file.getvalue()


def row(xs, ys, text, orientation="c"):
    return ["x:", np.array(xs, np.int16), "y:", np.array(ys, np.int16), text, orientation]


@pytest.mark.parametrize("name", ["polygt", "gt"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_numbers_of_a_mat_file_may_be_in_a_row_or_a_column(tmp_path, name, is_packed):
    rows = [row([[0, 9, 9, 0]], [[0, 0, 5, 5]], "Ärger"), row([[0], [9], [12], [9], [0]], [[0], [0], [3], [6], [6]], "two")]
    format_name, [scene], problems = read(tmp_path, {"poly_gt_img11.mat": mat(rows, name, do_compression=is_packed), "img11.jpg": b""})
    assert (format_name, scene.image.name, texts(scene)) == ("totaltext", "img11.jpg", ["Ärger", "two"])
    assert corners(scene.instances[1]) == [[0, 0], [9, 0], [12, 3], [9, 6], [0, 6]]
    assert problems.counts == {}


def test_a_hash_as_text_or_orientation_or_an_empty_text_is_a_dont_care(tmp_path):
    square = [[0, 9, 9, 0]], [[0, 0, 9, 9]]
    rows = [row(*square, "#", "#"), row(*square, "seen", "#"), row(*square, np.array([]), "c"), row(*square, "NUMBER #1", "h")]
    _, [scene], problems = read(tmp_path, {"poly_gt_img1.mat": mat(rows)})
    assert [instance.dont_care for instance in scene.instances] == [True, True, True, False]
    assert problems.counts == {}


def test_a_real_mat_file_is_read_as_scipy_reads_it():
    content = (real_scenes() / "poly_gt_img3.mat").read_bytes()
    ours = cell_rows(content, ["polygt"])
    scipys = scipy.io.loadmat(BytesIO(content))["polygt"]
    assert [[cell if isinstance(cell, str) else list(cell) for cell in row] for row in ours] == [
        [str(cell[0]) if cell.dtype.kind == "U" else cell.ravel().tolist() for cell in row] for row in scipys
    ]


def test_a_real_mat_file_has_the_same_labels_as_its_copy_in_mlts_format(tmp_path):
    _, [scene], _ = read_paths([real_scenes()], "totaltext")
    copy = (real_scenes() / "gt_totaltext_img3.txt").read_text("utf-8").splitlines()
    assert [",".join([*(f"{value:g}" for value in one.polygon.ravel()), "Latin", one.text]) for one in scene.instances] == copy


def test_cells_nested_twenty_thousand_deep_are_refused():
    def element(kind, body):
        return struct.pack("<II", kind, len(body)) + body + bytes(-len(body) % 8)

    parts, size = [], 0
    for depth in range(20_000):
        name = b"polygt" if depth == 19_999 else b""
        head = element(6, struct.pack("<II", 1, 0)) + element(5, struct.pack("<ii", 1, 1)) + element(1, name)
        size += len(head)
        parts.append(struct.pack("<II", 14, size) + head)
        size += 8
    packed = zlib.compress(b"".join(reversed(parts)))
    header = b"MATLAB 5.0".ljust(124) + struct.pack("<HH", 0x0100, 0x4D49)
    with pytest.raises(MatFileError, match="too deep in cells"):
        cell_rows(header + struct.pack("<II", 15, len(packed)) + packed, ["polygt"])


def test_a_mat_file_that_claims_more_rows_than_it_has_cells_is_refused():
    content = mat([row([[0, 9, 9]], [[0, 0, 9]], "a"), row([[0, 9, 9]], [[0, 0, 9]], "b")], do_compression=False)
    dimensions = struct.pack("<IIii", 5, 8, 2, 6)
    assert dimensions in content
    with pytest.raises(MatFileError, match="claims 2,000,000,000 rows, but has 12 cells in all"):
        cell_rows(content.replace(dimensions, struct.pack("<IIii", 5, 8, 2_000_000_000, 6)), ["polygt"])


def test_a_mat_file_that_is_cut_off_or_has_another_array_is_reported(tmp_path):
    whole = mat([row([[0, 9, 9]], [[0, 0, 9]], "a")])
    files = {"poly_gt_img1.mat": whole, "poly_gt_img2.mat": whole[:-40], "poly_gt_img3.mat": mat([], "other"), "poly_gt_img4.mat": whole}
    _, scenes, problems = read(tmp_path, files)
    assert [len(scene.instances) for scene in scenes] == [1, 0, 0, 1]
    assert [problem.place for problem in problems.entries] == ["poly_gt_img2.mat", "poly_gt_img3.mat"]
    assert "expected an array called polygt or gt, found 'other'" in problems.entries[1].what


def test_printed_entries_may_span_lines_and_have_commas_quotes_brackets_or_no_text(tmp_path):
    lines = f"""{PAUL}
x: [[ 0  9  9
  0]], y: [[0 0
  9 9]], ornt: [u'h'], transcriptions: [u',']
x: [[0 9 9 0]], y: [[0 0 9 9]], ornt: [u'm'], transcriptions: [u"IT'S"]
x: [[0 9 9 0]], y: [[0 0 9 9]], ornt: [], transcriptions: []
x: [[0 9 9 0]], y: [[0 0 9 9]], ornt: [u'h'], transcriptions: [u'[06]']
x: [[0 9 9 0]], y: [[0 0 9 9]], ornt: [u'#'], transcriptions: [u'#']
x: [[0 9 9 0]], y: [[0 0 9 9]], ornt: [u'h'], transcriptions: [u'caf\\xe9']
"""
    name, [scene], problems = read(tmp_path, {"poly_gt_img1.txt": lines})
    assert (name, texts(scene)) == ("totaltext", ["PAUL", ",", "IT'S", "", "[06]", "#", "café"])
    assert [instance.dont_care for instance in scene.instances] == [False, False, False, True, False, True, False]
    assert [instance.line for instance in scene.instances] == [1, 2, 5, 6, 7, 8, 9]
    assert corners(scene.instances[0]) == [[259, 542], [313, 462], [389, 417]]
    assert problems.counts == {}


def test_an_entry_that_is_cut_off_or_uneven_is_reported_with_its_first_line(tmp_path):
    lines = f"{PAUL}\nx: [[1 2 3\nx: [[0 9 9 0]], y: [[0 0 9]], ornt: [u'h'], transcriptions: [u'A']\n{PAUL}\n{PAUL}"
    _, [scene], problems = read(tmp_path, {"poly_gt_img1.txt": lines})
    assert len(scene.instances) == 3
    assert [problem.place for problem in problems.entries] == ["poly_gt_img1.txt:2", "poly_gt_img1.txt:3"]
    assert "4 xs and 3 ys, must be equally many; text 'A'" in problems.entries[1].what


def test_pairs_of_numbers_are_corners_as_long_as_a_text_is_left(tmp_path):
    lines = "0,0,9,0,9,9,0,9,12\n0,0,9,0,12,5,9,9,0,9,$8,888\n0,0,9,0,9,9,0,9,5,1,234\n0,0,9,0,9,9,word"
    write(tmp_path, {"img1.jpg": b""})
    name, [scene], _ = read(tmp_path, {"img1.txt": lines}, "totaltext-lines")
    assert texts(scene) == ["12", "$8,888", "234", "word"]
    assert [len(instance.polygon) for instance in scene.instances] == [4, 5, 5, 3]
