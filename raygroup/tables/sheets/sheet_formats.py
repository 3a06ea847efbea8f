"""Sheets as Markdown, HTML, LaTeX and Arrow."""

import html
import re

import pyarrow as pa

from raygroup.tables.sheets.sheet import Sheet, SheetReport, common_kind
from raygroup.tables.spread import Spread
from raygroup.terminal import show_controls

_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}div{overflow-x:auto}"
    "table{border-collapse:collapse}th,td{padding:.2rem .7rem;border-bottom:1px solid #ccc;text-align:left;vertical-align:top}"
    "th.n,td.n{text-align:right}caption{text-align:left;font-weight:bold;padding:1rem 0 .3rem}"
)
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
}  # fmt: skip


def markdown(report: SheetReport) -> str:
    """Return a report as GitHub's Markdown."""
    parts = [f"# {_markdown_text(report.title)}"]
    for sheet in report.sheets:
        rules = ["---" if column.is_text else "---:" for column in sheet.columns]
        lines = [[_markdown_text(column.heading) for column in sheet.columns], rules]
        lines += [[_markdown_text(text) for text in row] for row in sheet.texts()]
        parts += [f"## {_markdown_text(sheet.title)}", "\n".join(f"| {' | '.join(line)} |" for line in lines)]
    return "\n\n".join([*parts, *map(_markdown_text, report.remarks)]) + "\n"


def html_page(report: SheetReport) -> str:
    """Return a report as one page of HTML, without scripts and without links to other files."""
    title = html.escape(_line(report.title))
    tables = "\n".join(map(_html_table, report.sheets))
    remarks = "\n".join(f"<p>{html.escape(_line(remark))}</p>" for remark in report.remarks)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><h1>{title}</h1>\n{tables}\n{remarks}\n</body></html>\n'


def latex(report: SheetReport) -> str:
    """Return the sheets as LaTeX tables, which need no package. Remarks become comments."""
    parts = [f"% {_line(report.title)}"]
    for sheet in report.sheets:
        kinds = "".join("l" if column.is_text else "r" for column in sheet.columns)
        rows = [" & ".join(map(_latex_text, row)) + r" \\" for row in sheet.texts()]
        heading = " & ".join(_latex_text(column.heading) for column in sheet.columns) + r" \\ \hline"
        body = "\n".join([rf"\begin{{tabular}}{{{kinds}}}", r"\hline", heading, *rows, r"\hline", r"\end{tabular}"])
        parts.append("\n".join([r"\begin{table}", rf"\caption{{{_latex_text(sheet.title)}}}", body, r"\end{table}"]))
    return "\n\n".join([*parts, *(f"% {_line(remark)}" for remark in report.remarks)]) + "\n"


def arrow_table(sheet: Sheet) -> pa.Table:
    """Return a sheet as an Arrow table with numbers as numbers. A cell without a value is null."""
    arrays: dict[str, pa.Array] = {}
    for place, column in enumerate(sheet.columns):
        values = [row[place] for row in sheet.rows]
        kind = common_kind(values)
        if kind is Spread:
            spreads: list[Spread | None] = values
            arrays[f"{column.name}_mean"] = pa.array([value and value.mean for value in spreads], pa.float64())
            arrays[f"{column.name}_sd"] = pa.array([value.sd if value and value.count > 1 else None for value in spreads], pa.float64())
            arrays[f"{column.name}_count"] = pa.array([value and value.count for value in spreads], pa.int64())
        else:
            types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
            arrays[column.name] = pa.array(values, types[kind] if kind else pa.string() if column.is_text else pa.float64())
    return pa.table(arrays)


def _html_table(sheet: Sheet) -> str:
    marks = ["" if column.is_text else ' class="n"' for column in sheet.columns]
    heading = "".join(
        f'<th scope="col"{mark}>{html.escape(_line(column.heading))}</th>' for column, mark in zip(sheet.columns, marks, strict=True)
    )
    rows = [
        "".join(f"<td{mark}>{html.escape(_line(text))}</td>" for text, mark in zip(row, marks, strict=True)) for row in sheet.texts()
    ]  # fmt: skip
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    caption = html.escape(_line(sheet.title))
    return f"<div><table><caption>{caption}</caption>\n<thead><tr>{heading}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"


def _line(text: str) -> str:
    """Return a text on one line, with control characters as escapes."""
    return show_controls(" ".join(text.split()))


def _markdown_text(text: str) -> str:
    return re.sub(r"([\\|<>*_`\[\]#])", r"\\\1", _line(text))


def _latex_text(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in _line(text))
