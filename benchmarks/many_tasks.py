"""Time the choice of a grouping of 20, 50 and 100 tasks, and compare local search with the exact optimum of up to 12 tasks.

Run ``python benchmarks/many_tasks.py [--quick]``. Tasks are made up: families of five read better together, and every other task of a group
costs a little. Scores have noise. ``pairs`` knows the affinity of every pair, as cosines, TAG and HOA do. ``ridge`` knows the scores of 8 t
random groups of t / 5 tasks, such as heads that were trained. ``regret`` is what the found grouping loses against the families, in points
of a task's score. The last line is one JSON object.
"""

import argparse
import json
import time

import numpy as np
from machine import machine_name, print_figures

from raygroup.strategies.affinity import affinity_scores
from raygroup.strategies.local_search import search_grouping
from raygroup.strategies.pairwise_scores import MeasuredGroups, PairwiseScores, pairwise_affinity, pairwise_ridge
from raygroup.strategies.partition_search import best_groupings
from raygroup.task_groups import Groups

FAMILY = 5
HELP, COST, NOISE = 0.02, 0.002, 0.01
"""What each task of a family adds to the score of another, what each other task costs, and the noise of a score."""


def main() -> None:
    """Print the tables, and end with one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only 7 tasks against the exact optimum, and 20 tasks")
    quick = parser.parse_args().quick
    figures: dict[str, object] = {}
    for num_tasks, worlds in ((7, 2),) if quick else ((7, 100), (10, 50), (12, 20)):
        figures[f"exact optima of {num_tasks} tasks found"] = exact_agreement(num_tasks, worlds)
    for num_tasks in (20,) if quick else (20, 50, 100):
        for source in ("pairs", "ridge"):
            for num_groups in (num_tasks // 10, num_tasks // FAMILY, num_tasks // 2):
                figures[f"t={num_tasks} m={num_groups} {source}"] = search_figures(num_tasks, num_groups, source)
    figures["machine"] = machine_name()
    print_figures(figures)
    print(json.dumps(figures))


def exact_agreement(num_tasks: int, worlds: int) -> str:
    """Return how often local search finds the exact optimum of random affinities, over all numbers of groups."""
    found = cases = 0
    tasks = task_names(num_tasks)
    for world in range(worlds):
        affinity = np.random.default_rng([num_tasks, world]).standard_normal((num_tasks, num_tasks))
        scores = pairwise_affinity(affinity, tasks)
        for count, (best, *_) in best_groupings(affinity_scores(affinity, tasks)).items():
            found += search_grouping(scores, count).score > best.score - 1e-9
            cases += 1
    return f"{found} of {cases}"


def search_figures(num_tasks: int, num_groups: int, source: str) -> dict[str, float]:
    """Return the processor seconds of the fit and of the search, and the regret."""
    tasks, random = task_names(num_tasks), np.random.default_rng(num_tasks)
    world = true_affinity(num_tasks)
    measured = random_groups(tasks, world, random) if source == "ridge" else None
    noisy = world + NOISE * random.standard_normal(world.shape)
    started = time.process_time()
    scores = pairwise_ridge(measured) if measured else pairwise_affinity(noisy, tasks)
    fitted = time.process_time()
    grouping = search_grouping(scores, num_groups)
    ended = time.process_time()
    best = search_grouping(true_scores(world, tasks), num_groups).score
    lost = best - true_scores(world, tasks).score(grouping.groups)
    return {
        "fit_cpu_s": round(fitted - started, 3), "search_cpu_s": round(ended - fitted, 2),
        "regret_points": round(100 * lost / num_tasks, 2), "families_kept": families_kept(grouping.groups, tasks),
    }  # fmt: skip


def true_affinity(num_tasks: int) -> np.ndarray:
    """Return what each task adds to the score of another one in its group, (t, t)."""
    family = np.arange(num_tasks) // FAMILY
    affinity = np.where(family[:, None] == family, HELP, -COST)
    np.fill_diagonal(affinity, 0.0)
    return affinity


def true_scores(world: np.ndarray, tasks: tuple[str, ...]) -> PairwiseScores:
    """Return the scores without noise: sums of what the tasks of a group add to each other."""
    return PairwiseScores(tasks, world + world.T, np.zeros((len(tasks), 3)), "nothing")


def random_groups(tasks: tuple[str, ...], world: np.ndarray, random: np.random.Generator) -> MeasuredGroups:
    """Return the noisy scores of 8 t random groups of t / 5 tasks."""
    rows = {}
    for _ in range(8 * len(tasks)):
        places = random.choice(len(tasks), len(tasks) // 5, replace=False)
        scores = world[np.ix_(places, places)].sum(axis=0) + NOISE * random.standard_normal(len(places))
        rows[frozenset(tasks[place] for place in places)] = {
            tasks[place]: float(score) for place, score in zip(places, scores, strict=True)
        }
    return MeasuredGroups(tasks, rows)


def families_kept(groups: Groups, tasks: tuple[str, ...]) -> float:
    """Return the share of pairs of one family that share a group."""
    group_of = {task: group for group in groups for task in group}
    pairs = [(one, other) for place, one in enumerate(tasks) for other in tasks[place + 1 : (place // FAMILY + 1) * FAMILY]]
    return round(sum(group_of[one] == group_of[other] for one, other in pairs) / len(pairs), 3)


def task_names(num_tasks: int) -> tuple[str, ...]:
    """Return names that sort in their order."""
    return tuple(f"t{number:03}" for number in range(num_tasks))


if __name__ == "__main__":
    main()
