"""The report of a sweep as one HTML page. It needs no other file, and loads nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from raygroup.errors import ConfigError
from raygroup.files.atomic import write_bytes
from raygroup.files.places import Place, place
from raygroup.report.costs import costs_section, faults_section, provenance_section
from raygroup.report.elements import Page, Section, first_rows
from raygroup.report.languages import languages_section
from raygroup.report.outcomes import outcomes_section
from raygroup.report.overview import missing_lines, page_facts, recommendation
from raygroup.report.pictures import assignment_section, scores_pictures, task_pictures, timeline_pictures, with_pictures
from raygroup.report.settings import settings_section
from raygroup.report.trial_facts import TrialFacts
from raygroup.runs.find import find_sweep
from raygroup.storage.layout import REPORT_FILE
from raygroup.tables.sweep_result import SweepResult
from raygroup.terminal import show_controls

MAX_BYTES = 1_000_000
"""Most bytes of a page."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""What the page may load: its own styles, and pictures that are part of it."""
_EXTENTS = ((6, 400), (3, 400), (1, 200), (1, 50), (0, 20))
"""Most assignment figures and table rows of a page. The first extent that is small enough counts."""


@dataclass(frozen=True)
class Report:
    """A report that was written."""

    path: Place
    bytes: int
    missing: tuple[str, ...]
    """What the page lacks, such as trials that are not done."""


def write_report(sweep: str, out: Place | str | None = None, storage_path: Place | str = "runs") -> Report:
    """Write the report of a sweep as one HTML file. The same records give the same bytes.

    Without ``out`` it is ``report.html`` in the sweep's folder. Raises ConfigError if there is no such sweep or if ``out`` is a folder,
    and OSError if it cannot be written.
    """
    result = SweepResult.of(find_sweep(sweep, [place(storage_path)]))
    return write_page(result, None if out is None else place(out))


def write_page(result: SweepResult, out: Place | None = None) -> Report:
    """Write the report of a sweep. ``write_report`` has the details."""
    path = out or result.folder / REPORT_FILE
    if path.is_dir():
        raise ConfigError(f"--out {path}: is a folder; name a file, such as {path / REPORT_FILE}")
    page, content = _smallest_page(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content, durable=False)
    return Report(path, len(content), page.missing)


def report_page(result: SweepResult) -> str:
    """Return the report of a sweep as HTML, at most ``MAX_BYTES`` long."""
    return _smallest_page(result)[1].decode()


def _smallest_page(result: SweepResult) -> tuple[Page, bytes]:
    trials = [TrialFacts(trial) for trial in result.trials]
    sections = (*_sections(result, trials),)
    facts, missing = page_facts(result, trials), missing_lines(result, trials)
    for num_figures, num_rows in _EXTENTS:
        kept = tuple(_with_fewer(section, num_figures, num_rows) for section in sections)
        page = Page(result.name, result.stored.hypothesis, facts, missing, kept)
        content = render(page).encode()
        if len(content) <= MAX_BYTES:
            break
    return page, content


def _sections(result: SweepResult, trials: Sequence[TrialFacts]) -> Iterator[Section]:
    yield recommendation(result)
    yield settings_section(trials)
    yield with_pictures(outcomes_section(result, trials), scores_pictures(result, trials))
    languages = languages_section(result)
    if languages is not None:
        yield with_pictures(languages, task_pictures(result))
    assignments = assignment_section(trials, _EXTENTS[0][0])
    if assignments is not None:
        yield assignments
    yield with_pictures(costs_section(trials), timeline_pictures(trials))
    yield faults_section(trials)
    yield provenance_section(result, trials)


def _with_fewer(section: Section, num_figures: int, num_rows: int) -> Section:
    """Return a section with its first figures and the first rows of its tables. It says so."""
    tables = tuple(first_rows(table, num_rows) for table in section.tables)
    left_out = len(section.pictures) - num_figures
    lines = (f"{left_out} more figures are left out to keep this page small.",) if left_out > 0 else ()
    return replace(section, lines=section.lines + lines, tables=tables, pictures=section.pictures[:num_figures])


def render(page: Page) -> str:
    """Return a page as HTML. Every text is escaped, and control characters show as escapes."""
    from importlib.metadata import version
    from importlib.resources import files

    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    here = files("raygroup.report")
    environment = Environment(autoescape=True, undefined=StrictUndefined, finalize=_visible, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(here.joinpath("page.html").read_text(encoding="utf-8"))
    style = Markup(here.joinpath("style.css").read_text(encoding="utf-8"))
    return template.render(page=page, policy=POLICY, style=style, version=version("raygroup")).strip() + "\n"


def _visible(value: Any) -> Any:
    """Return a text with control characters as escapes. HTML that is part of the page stays as it is."""
    return show_controls(value) if type(value) is str else value
