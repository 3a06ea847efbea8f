"""Write the files of a report: JSON, Markdown, HTML, LaTeX and Arrow. Every table of the paper goes through here."""

import json
from pathlib import Path

import pyarrow as pa

from raygroup.files.atomic import atomic_write, write_bytes
from raygroup.tables.sheets.sheet import SheetReport
from raygroup.tables.sheets.sheet_formats import arrow_table, html_page, latex, markdown


def write_sheet_files(report: SheetReport, folder: Path) -> list[Path]:
    """Write a report into a folder and return the paths.

    They are ``NAME.json``, ``.md``, ``.html``, ``.tex`` and ``.arrow``. Further sheets have an Arrow file of their own,
    ``NAME-KEY.arrow``. Raises OSError if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "json": json.dumps(report.values, indent=1, ensure_ascii=False), "md": markdown(report), "html": html_page(report),
        "tex": latex(report),
    }  # fmt: skip
    paths = []
    for ending, text in texts.items():
        paths.append(folder / f"{report.name}.{ending}")
        write_bytes(paths[-1], text.encode("utf-8", "backslashreplace"), durable=False)
    for number, sheet in enumerate(report.sheets):
        path = folder / (f"{report.name}-{sheet.key}.arrow" if number else f"{report.name}.arrow")
        rows = arrow_table(sheet)
        with atomic_write(path, durable=False) as file, pa.ipc.new_file(file, rows.schema) as writer:
            writer.write_table(rows)
        paths.append(path)
    return paths
