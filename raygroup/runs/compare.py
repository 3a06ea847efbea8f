"""``runs compare``: two sweeps or two trials side by side. ``compare`` is its Python twin."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from raygroup.errors import ConfigError
from raygroup.files.places import Place, parse_place
from raygroup.runs.find import find_sweep, find_trial
from raygroup.storage.layout import CONFIG_FILE, SWEEP_FILE
from raygroup.storage.sweeps import StoredSweep, StoredTrial, read_sweep, read_sweeps
from raygroup.tables.comparison import Comparison, Side, TrialPair, compare_sides
from raygroup.tables.score_intervals import Interval
from raygroup.terminal import print_json, print_line, print_table, print_words, table

_MEASURES = {"accuracy": "accuracy", "one_minus_ned": "1-NED"}


def compare(one: str, other: str, storage_path: Place | str | Sequence[Place | str] = "runs") -> Comparison:
    """Compare two sweeps, or two trials.

    Each is the name of a sweep, the id of a trial or a part of its label, or the path of a sweep's
    or a trial's folder. Paths may lie under different storage paths. Raises ConfigError if there is
    no such sweep or trial, or if it has no finished trial.
    """
    paths = [storage_path] if isinstance(storage_path, str) or not isinstance(storage_path, Sequence) else storage_path
    storages = [parse_place(str(path)) for path in paths]
    return compare_sides(_side(one, storages), _side(other, storages))


def show_comparison(comparison: Comparison, out: Console, *, as_json: bool) -> None:
    """Print a comparison as tables, or as one JSON object."""
    if as_json:
        print_json(comparison.to_json())
        return
    one, other = comparison.one, comparison.other
    words = "the same words and weights" if comparison.same_words else "different words or weights"
    print_words(out, f"{one} and {other}: {words}")
    if comparison.settings:
        rows = table("setting", escape(one), escape(other))
        for setting in comparison.settings:
            rows.add_row(setting.name, *(escape(", ".join(map(str, values))) for values in (setting.one, setting.other)))
        print_table(out, "settings that differ", rows)
    else:
        print_words(out, "no setting differs")
    print_table(out, "final groupings of trials that correspond", _groupings_table(comparison.pairs))
    for line in _agreement_lines(comparison):
        print_line(out, line)
    print_table(out, _scores_title(comparison), _scores_table(comparison))


def _side(name: str, storages: Sequence[Place]) -> Side:
    sweep, trial = _find(name, storages)
    if trial is not None:
        return Side.of(f"{sweep.name}: {trial.label}", sweep.data, [trial])
    return Side.of(sweep.name, sweep.data, [each for each in sweep.trials if each.declared])


def _find(name: str, storages: Sequence[Place]) -> tuple[StoredSweep, StoredTrial | None]:
    if "/" in name:
        folder = parse_place(name)
        if (folder / SWEEP_FILE).is_file():
            return read_sweep(folder), None
        if (folder / CONFIG_FILE).is_file() and (folder.parent / SWEEP_FILE).is_file():
            sweep = read_sweep(folder.parent)
            return sweep, next(trial for trial in sweep.trials if trial.id == folder.name)
        raise ConfigError(
            f"{name}: neither the folder of a sweep nor that of a trial; a name without a slash is looked up by --storage-path"
        )
    if any(sweep.name == name for storage in storages for sweep in read_sweeps(storage)):
        return find_sweep(name, storages), None
    try:
        return find_trial(name, storages)
    except ConfigError as error:
        raise ConfigError(f"no sweep '{name}', and as a trial: {error}") from error


def _groupings_table(pairs: Sequence[TrialPair]) -> Table:
    rows = table("seed", "trials", "groupings", "agreement", right=("seed", "agreement"))
    for pair in pairs:
        share = "-" if pair.agreement is None else f"{pair.agreement:.2f}"
        labels = pair.one if pair.one == pair.other else f"{pair.one} / {pair.other}"
        rows.add_row(str(pair.seed), escape(labels), escape(pair.one_grouping), share)
        rows.add_row("", "", escape(pair.other_grouping), "")
    return rows


def _agreement_lines(comparison: Comparison) -> Iterator[str]:
    shares = [f"seed {seed}: {share:.2f}" for seed, share in comparison.agreement_by_seed.items()]
    if comparison.agreement is not None:
        rule = "share of task pairs that both put together or both keep apart"
        yield f"pair agreement, mean over seeds: {comparison.agreement:.2f} ({', '.join(shares)}; {rule})"
    if comparison.unpaired:
        yield f"without a counterpart: {', '.join(comparison.unpaired)}"


def _scores_title(comparison: Comparison) -> str:
    over = sorted({score.difference.over for score in comparison.scores})
    return f"scores routed by the classifier, mean over tasks, with 95 % intervals over {' or '.join(over) or 'words'}"


def _scores_table(comparison: Comparison) -> Table:
    columns = (escape(comparison.one), escape(comparison.other), "difference")
    rows = table("words", "score", *columns, "interval over", right=columns)
    for score in comparison.scores:
        difference = score.difference
        over = f"{difference.count} {difference.over}"
        values = (_interval_text(score.one), _interval_text(score.other), _interval_text(difference, "+.3f"))
        rows.add_row(score.split, _MEASURES[score.measure], *values, over)
    return rows


def _interval_text(interval: Interval, digits: str = ".3f") -> str:
    mean = format(interval.mean, digits)
    return mean if interval.low is None or interval.high is None else f"{mean} ({interval.low:{digits}} to {interval.high:{digits}})"
