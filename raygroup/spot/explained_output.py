"""Show an explanation: a table, lines about what was left out, and a picture of each photograph."""

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure
from rich.console import Console
from rich.text import Text

from raygroup.errors import first_names
from raygroup.figures.explained_scene import DrawnOutcome, explained_scene_figure
from raygroup.spot.explanation import COUNTS, IGNORED_DETECTION, UNREADABLE, ExplainedWord, Explanation
from raygroup.spotting.photograph import Photograph
from raygroup.terminal import Column, fitted_table, print_words, show_controls, titled

_HEADINGS = {"correct": "right", "ignored": "don't care", IGNORED_DETECTION: "over don't care"}
_NOTE = "a false detection is in the row of the task that read it"
_MOST_NAMES = 5


def explained_figure(photograph: Photograph, words: Sequence[ExplainedWord]) -> Figure:
    """Draw the outcome of every word of a photograph."""
    return explained_scene_figure(photograph, [DrawnOutcome(word.outcome, word.polygon, _texts(word)) for word in words])


def _texts(word: ExplainedWord) -> tuple[tuple[str, str | None], ...]:
    """Return what was read, then what is true."""
    read = () if word.word is None else ((word.word.text, word.word.task or None),)
    true = () if word.truth is None or word.outcome == "correct" else ((word.truth.text, word.truth.script or None),)
    return (*read, *true)


def print_explanation(explanation: Explanation, out: Console) -> None:
    """Print the counts of each task, the scores, and what has no outcome."""
    headings = [_HEADINGS.get(name, name) for name in COUNTS]
    columns = (Column("task"), *(Column(heading, right=True) for heading in headings))
    rows = [[Text(show_controls(task)), *(Text(str(counts[name])) for name in COUNTS)] for task, counts in explanation.counts().items()]
    total = explanation.total()
    rows.append([Text("all"), *(Text(str(total[name])) for name in COUNTS)])
    num_photographs = len(explanation.photographs)
    title = f"{num_photographs} photograph{'s' * (num_photographs != 1)} compared with the ground truth, as MLT19's task 4 does"
    out.print(titled(title, fitted_table(columns, rows, out.width)))
    scores = explanation.scores()
    print_words(out, f"precision {scores.precision:.3f}, recall {scores.recall:.3f}, H {scores.hmean:.3f}; {_NOTE}")
    for line in explanation_lines(explanation):
        print_words(out, line)


def explanation_lines(explanation: Explanation) -> Iterator[str]:
    """Yield a line for everything that was not compared, and for faults of the labels."""
    truth = explanation.truth
    if truth.unlabelled:
        yield f"no ground truth for {_some('photograph', [path.name for path in truth.unlabelled])}"
    if truth.without_photograph:
        names = [*truth.without_photograph]
        num_words = sum(truth.without_photograph.values())
        yield f"no photograph for the ground truth of {_some('image', names)}: {num_words} words"
    if unreadable := explanation.words_left_out().get(UNREADABLE):
        yield f"{unreadable} words of the ground truth are in photographs that could not be read"
    if truth.without_polygon:
        yield f"{truth.without_polygon} words of the ground truth have no polygon and are left out"
    for kind, count in truth.problems.counts.most_common():
        yield f"{count} x {kind}, such as {truth.problems.first(kind)}"


def _some(noun: str, names: Sequence[str]) -> str:
    count = len(names)
    return f"{count} {noun}{'s' * (count != 1)}: {first_names(names, _MOST_NAMES)}"
