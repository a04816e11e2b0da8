"""A search's receipt as text, for the notification and for `yard receipt`."""

from collections.abc import Mapping, Sequence
from typing import Any

_SHOWN = 5


def subject(receipt: Mapping[str, Any]) -> str:
    """One line of at most 99 characters, the limit of a notification's subject."""
    said = {"Completed": "was tuned", "Stopped": "search was stopped"}.get(receipt["outcome"], "search failed")
    return f"{receipt['job']} {said} ({receipt['run_id']})"[:99]


def what_was_found(search: Mapping[str, Any]) -> str:
    """The best trial and the next ones, as a paragraph."""
    trials: Sequence[Mapping[str, Any]] = search.get("trials", ())
    objective = search["objective"]
    sign = -1 if objective["goal"] == "Maximize" else 1
    ranked = sorted((one for one in trials if one["objective"] is not None), key=lambda one: sign * one["objective"])
    counted = f"{len(trials)} trials by {search['strategy']}, {len(ranked)} with a value of {objective['metric']}"
    if not ranked:
        return f"{counted}."
    lines = [f"{counted}; the best ({objective['goal'].lower()}):"]
    lines += [f"  {one['objective']:.6g}  {one['name']}: {_values(one)}" for one in ranked[:_SHOWN]]
    after = search.get("retraining")
    if after is not None:
        lines.append(f"Trained with the best values: run {after['run_id']}, {after['status'].lower()}.")
    return "\n".join(lines)


def _values(trial: Mapping[str, Any]) -> str:
    own = "" if trial["definition"] is None else f"{trial['definition']}, "
    return own + ", ".join(f"{name}={value}" for name, value in sorted(trial["hyperparameters"].items()))
