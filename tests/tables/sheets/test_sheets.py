"""Reports in five formats: whatever stands in a cell, each format shows it as text."""

import json
import math

import pyarrow as pa
import pytest

from raygroup.tables.sheets.sheet import Sheet, SheetColumn, SheetReport, text_column
from raygroup.tables.sheets.sheet_files import write_sheet_files
from raygroup.tables.sheets.sheet_formats import arrow_table, html_page, latex, markdown
from raygroup.tables.spread import Spread

COLUMNS = (text_column("name", "name"), SheetColumn("share", "share", 2), SheetColumn("steps", "steps", 1), SheetColumn("seeds", "seeds"))


@pytest.fixture
def report():
    rows = (("<b>a|b_c&\n%</b>", 0.5, Spread.of([1, 3]), 2), ("x\u001b[2J", None, None, None), ("y", math.nan, Spread.of([4]), 1))
    return SheetReport(
        "t", "A title", (Sheet("main", "First", COLUMNS, rows), Sheet("more", "Second", COLUMNS[:1], (("z",),))), ("A <i>.",), {}
    )


def test_cells_have_the_digits_of_their_column_and_missing_ones_a_dash(report):
    assert [row[1:] for row in report.sheets[0].texts()] == [["0.50", "2.0±1.4", "2"], ["-", "-", "-"], ["-", "4.0", "1"]]


def test_html_has_no_markup_from_cells_and_heads_its_columns(report):
    page = html_page(report)
    assert "<b>" not in page
    assert "&lt;b&gt;a|b_c&amp; %&lt;/b&gt;" in page
    assert page.count('<th scope="col"') == 5
    assert "\u001b" not in page
    assert "http" not in page


def test_markdown_keeps_each_row_on_one_line_with_its_bars_escaped(report):
    lines = [line for line in markdown(report).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 3 + 2 + 1
    assert lines[0] == "| name | share | steps | seeds |"
    assert lines[1] == "| --- | ---: | ---: | ---: |"
    assert r"\<b\>a\|b\_c& %\</b\>" in lines[2]


def test_latex_escapes_its_special_characters(report):
    text = latex(report)
    assert r"\textless{}b\textgreater{}a\textbar{}b\_c\& \%\textless{}/b\textgreater{} & 0.50 & 2.0$\pm$1.4 & 2 \\" in text
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2


def test_arrow_has_numbers_as_numbers_and_nulls(report):
    rows = arrow_table(report.sheets[0])
    assert rows.column_names == ["name", "share", "steps_mean", "steps_sd", "steps_count", "seeds"]
    assert rows["steps_mean"].to_pylist() == [2, None, 4]
    assert rows["steps_sd"].to_pylist() == [pytest.approx(math.sqrt(2)), None, None]
    assert rows["seeds"].type == pa.int64()


def test_every_sheet_has_an_arrow_file_and_the_others_hold_all(report, tmp_path):
    names = [path.name for path in write_sheet_files(report, tmp_path / "new")]
    assert names == ["t.json", "t.md", "t.html", "t.tex", "t.arrow", "t-more.arrow"]
    assert json.loads((tmp_path / "new" / "t.json").read_text()) == {}
