"""Hyperband, as it runs with many jobs in parallel: a job goes on at a rung only among the best that came so far.

A rung is a number of epochs: the least resource, and then three times as many each. Brackets differ in their first
rung, so that jobs that start slowly have a chance; the jobs are dealt to them as Hyperband does, most to the first.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_REDUCTION = 3
"""One in so many jobs goes on at each rung."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rungs:
    """From the least to the most epochs of a training job."""

    least: int
    most: int

    def levels(self) -> list[int]:
        """The epochs at which jobs are compared; at the most, none goes on."""
        found, level = [], self.least
        while level < self.most:
            found.append(level)
            level *= _REDUCTION
        return found

    def first_rung(self, number: int) -> int:
        """The index of the first rung of training job `number`, which counts from 0."""
        count = len(self.levels())
        if count == 0:
            return 0
        # bracket s gets jobs in proportion to R^(count - s) / (count - s + 1), as Hyperband's budgets say
        shares = [_REDUCTION ** (count - index) / (count - index + 1) for index in range(count)]
        given = [0] * count
        for _ in range(number + 1):
            chosen = max(range(count), key=lambda index: (shares[index] / (given[index] + 1), -index))
            given[chosen] += 1
        return chosen

    def is_over(
        self, number: int, values: Sequence[float], others: Sequence[Sequence[float]], *, judged: int = 0
    ) -> bool:
        """Whether training job `number` ends now. Each sequence has one value per epoch; lower is better.

        At a rung it goes on if it is among the best third of those that have come so far, itself included. That is
        decided once: rungs among the `judged` first epochs were left behind at an earlier look.
        """
        epoch = len(values)
        if epoch >= self.most:
            return True
        for level in self.levels()[self.first_rung(number) :]:
            if epoch < level:
                return False
            if level <= judged:
                continue
            mine = min(values[:level])
            there = sorted([mine, *(min(other[:level]) for other in others if len(other) >= level)])
            if mine > there[max(1, math.ceil(len(there) / _REDUCTION)) - 1]:
                return True
        return False
