"""Table 3 as a sheet and remarks."""

from raygroup.tables.sheets.sheet import SheetReport
from raygroup.tables.table3 import Table3, table3_json
from raygroup.tables.table3_text import changes_sheet, heading, remarks


def table3_report(table: Table3) -> SheetReport:
    """Return the changes of the assignment as a sheet."""
    return SheetReport("table3", heading(table), (changes_sheet(table),), tuple(remarks(table)), table3_json(table))
