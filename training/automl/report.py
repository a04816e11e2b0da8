"""What AutoML has done, in words and in a table."""

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from training.automl.candidates import Candidate, Data, loss, metrics, order
from training.automl.preparation import names
from training.automl.stacking import Member, Stack, mean_of
from training.automl.table import Table

_SHUFFLED_ROWS = 500


def leaderboard(data: Data, candidates: Sequence[Candidate], members: Sequence[Member]) -> str:
    """CSV: a line per model, best first, the stack among them."""
    weights = {id(member.candidate): member.weight for member in members}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    figures = list(metrics(data, candidates[0].predictions))
    writer.writerow(["rank", "model", "settings", *figures, "seconds", "weight in the stack"])
    lines: list[tuple[float, list[object]]] = [
        (
            one.loss,
            [
                one.family,
                " ".join(f"{key}={value:g}" for key, value in one.settings.items()),
                *(f"{value:.6g}" for value in metrics(data, one.predictions).values()),
                f"{one.seconds:.2f}",
                f"{weights.get(id(one), 0.0):.2f}",
            ],
        )
        for one in candidates
    ]
    stacked = mean_of(members)
    figures_of_stack = [f"{value:.6g}" for value in metrics(data, stacked).values()]
    lines.append((loss(data, stacked), ["stack", "", *figures_of_stack, "", ""]))
    for rank, (_, line) in enumerate(sorted(lines, key=lambda line: line[0]), start=1):
        writer.writerow([rank, *line])
    return text.getvalue()


def importance(data: Data, stack: Stack) -> Mapping[str, float]:
    """How much worse the stack becomes when a column's values are shuffled among the rows; most important first."""
    dice = np.random.default_rng(0)
    rows = dice.permutation(len(data.values))[:_SHUFFLED_ROWS]
    part = Data(
        columns=data.columns, matrix=data.matrix[rows], values=data.values[rows], problem=data.problem, folds=()
    )
    if data.problem == "classification" and len(part.classes) < len(data.classes):
        return {}
    before = loss(part, stack.scores_of(part.matrix))
    sources, found = np.array(names(data.columns)), {}
    for name in dict.fromkeys(sources):
        matrix = part.matrix.copy()
        for place in np.flatnonzero(sources == name):
            matrix[:, place] = matrix[dice.permutation(len(rows)), place]
        found[str(name)] = loss(part, stack.scores_of(matrix)) - before
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def explanation(
    table: Table,
    data: Data,
    candidates: Sequence[Candidate],
    members: Sequence[Member],
    weights: Mapping[str, float],
    failed: Mapping[str, str],
) -> str:
    """Markdown: what the table was taken for, what was tried, and what came of it."""
    best = order(candidates)[0]
    lines = [f"# How {table.target.name!r} is predicted", "", _problem(table), "", "## Columns", ""]
    lines += ["| column | taken for | used |", "| --- | --- | --- |"]
    lines += [f"| {name} | {kind} | {_use(kind)} |" for name, kind in table.kinds().items()]
    lines += ["", "## Models", ""]
    families = list(dict.fromkeys(one.family for one in candidates))
    lines.append(f"{len(candidates)} candidates of {len(families)} families were judged: {', '.join(families)}.")
    lines.append(f"Each was trained {len(data.folds)} times, and judged on the fifth of the rows that it had not seen.")
    lines.append(f"The best single one is {best.name}. The stack is a weighted mean of:")
    lines += ["", *(f"- {member.weight:.2f} {member.candidate.name}" for member in members)]
    figures = metrics(data, mean_of(members))
    lines += ["", f"On rows not seen it has {', '.join(f'{name} {value:.4g}' for name, value in figures.items())}."]
    if weights:
        lines += ["", "## What counts", "", "By how much the loss grows when the values of a column are shuffled:", ""]
        lines += [f"- {name}: {value:.4g}" for name, value in list(weights.items())[:20]]
    if failed:
        lines += ["", "## What could not be trained", "", *(f"- {name}: {why}" for name, why in failed.items())]
    return "\n".join(lines) + "\n"


def _problem(table: Table) -> str:
    different = len(set(table.target.values))
    what = f"one of {different} classes" if table.problem == "classification" else "a number"
    left_out = f"; {table.dropped} more without a value were left out" if table.dropped else ""
    return f"A {table.problem}: each of {table.rows} rows has {what}{left_out}."


def _use(kind: str) -> str:
    return {
        "number": "gaps filled with the median and marked, scaled",
        "category": "a column per value, at most 30",
        "date": "day, month, weekday and hour as numbers",
        "identifier": "no: every row has another value",
        "constant": "no: every row has the same value",
        "text": "no: texts are not learnt from",
    }[kind]
