"""The whole search in one process: first what is usually good, then changes of what was best, until the time is up."""

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from contract.automl import FAMILIES, Setting
from training.automl.candidates import Candidate, Data, judge, order
from training.automl.families import Family, Settings, families
from training.automl.table import TableError

_QUICK = 0.05
"""Of the time: a family whose candidate takes less is quick."""
_KEPT_FOR_STACK = 0.15
"""Of the time, for training the chosen models on all rows."""


@dataclass(kw_only=True, slots=True)
class Found:
    """What a search has found."""

    candidates: list[Candidate] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """Why a candidate could not be judged, by family and settings."""


def search(data: Data, *, seconds: float, seed: int = 0, clock: Callable[[], float] = time.monotonic) -> Found:
    """Judge candidates one after the other; at least one, however short the time of this `clock` is."""
    dice, found = random.Random(seed), Found()
    until = clock() + seconds * (1 - _KEPT_FOR_STACK)
    spent: dict[str, float] = {}
    for name, settings in _following(data, found, dice, spent, quick=_QUICK * seconds):
        left = until - clock()
        if found.candidates and left < spent.get(name, 0.0):
            # it would end too late; a quicker family may still have the time
            if left < min(spent.values()):
                break
            continue
        began = clock()
        try:
            found.candidates.append(judge(data, name, settings))
        except (ValueError, MemoryError, FloatingPointError) as error:
            # one family that a table does not suit must not end the search
            found.failed[f"{name} {dict(settings)}"] = str(error)
        spent[name] = clock() - began
        if len(found.failed) > 20 and not found.candidates:
            break
    if not found.candidates:
        raise TableError(f"no model could be trained: {next(iter(found.failed.values()), 'the time is too short')}")
    return found


def _following(
    data: Data, found: Found, dice: random.Random, spent: Mapping[str, float], *, quick: float
) -> Iterator[tuple[str, Settings]]:
    usable = [one for one in families() if len(data.values) <= one.most_rows]
    most = max(len(one.guesses) for one in usable)
    waiting = [(one.name, guess) for number in range(most) for one in usable for guess in one.guesses[number:][:1]]
    while waiting:
        # every guess of a family that has shown to be quick, before a slow one takes the time
        following = next((one for one in waiting if spent.get(one[0], math.inf) < quick), waiting[0])
        waiting.remove(following)
        yield following
    while True:
        chosen = _parent(order(found.candidates), dice) if found.candidates else None
        name = dice.choice(usable).name if chosen is None else chosen.family
        yield name, varied(FAMILIES[name], _start(usable, name) if chosen is None else chosen.settings, dice)


def _parent(ordered: Sequence[Candidate], dice: random.Random) -> Candidate | None:
    """One of the best, each family's once; now and then none: something new."""
    best: dict[str, Candidate] = {}
    for one in ordered:
        best.setdefault(one.family, one)
    return dice.choice(list(best.values())[:3]) if dice.random() < 0.9 else None


def _start(usable: Sequence[Family], name: str) -> Settings:
    return next(one.guesses[0] for one in usable if one.name == name)


def varied(settings: Sequence[Setting], around: Settings, dice: random.Random) -> Settings:
    """Settings near others."""
    made = {}
    for one in settings:
        value = around[one.name]
        step = dice.uniform(-1, 1)
        moved = value * 3**step if one.is_logarithmic else value + step * (one.high - one.low) / 3
        moved = min(one.high, max(one.low, moved))
        made[one.name] = float(round(moved)) if one.is_whole else moved
    return made
