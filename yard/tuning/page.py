"""A search as one HTML file: its objective over the trials, what led to it, and every trial."""

import html

from yard.plots import parallel, svg
from yard.plots.page import STYLE
from yard.plots.series import Chart
from yard.tuning.trials import Search, rows

_MOST_ROWS = 500


def page(search: Search, *, job: str, run_id: str) -> str:
    """The whole page; it asks the network for nothing."""
    title = html.escape(f"Search {run_id} of {job}")
    left_out = max(len(search.trials) - _MOST_ROWS, 0)
    more = f"<p>And {left_out} more trials: yard tune {html.escape(job)} --run {run_id} --json</p>" if left_out else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n<p>{html.escape(search.in_words())}</p>\n"
        f'<div class="charts">{svg.draw(over_trials(search))}</div>\n'
        f'<h2>What led to it</h2><div class="wide">{_coordinates(search)}</div>\n{_table(search)}{more}</body></html>\n'
    )


def over_trials(search: Search) -> Chart:
    """Each trial's objective, and the best so far as a line."""
    found = [(float(one.number), one.objective) for one in search.trials if one.objective is not None]
    best = [(float(one.number), one.best_so_far) for one in search.trials if one.best_so_far is not None]
    return Chart(
        title=f"{search.metric} over the trials",
        across="trial",
        up=search.metric,
        lines=[best],
        marks=[found],
        names=["the best so far, and each trial"],
    )


def _coordinates(search: Search) -> str:
    ended = search.ended
    worst = max(len(ended) - 1, 1)
    names = [*search.parameters, search.metric]
    lines = [
        parallel.Line(
            label=f"{trial.name}: {trial.objective:.6g}",
            values={**trial.hyperparameters, search.metric: trial.objective},
            badness=place / worst,
        )
        for place, trial in enumerate(ended)
    ]
    return parallel.draw(names, lines)


def _table(search: Search) -> str:
    found = rows(search)[:_MOST_ROWS]
    if not found:
        return ""
    heads = "".join(f'<th scope="col">{html.escape(name.replace("_", " "))}</th>' for name in found[0])
    body = "".join(f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row.values())}</tr>\n" for row in found)
    return f'<div class="wide"><table><caption>Trials</caption><tr>{heads}</tr>\n{body}</table></div>\n'


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return html.escape(f"{value:.6g}" if isinstance(value, float) else str(value))
