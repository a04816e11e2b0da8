"""Stands in for pandas where a test runs a converted script: as much of it as the notebooks call."""

import csv
from typing import Any


class DataFrame:
    """Rows."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.shape = (len(rows), len(rows[0]) if rows else 0)

    def head(self, count: int = 5) -> "DataFrame":
        return DataFrame(self.rows[:count])

    def plot(self, **options: Any) -> str:
        return "<Axes: >"

    def to_csv(self, path: str, **options: Any) -> None:
        with open(path, "w") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows)

    def __str__(self) -> str:
        return f"DataFrame of {self.shape}"


def read_csv(path: str, **options: Any) -> DataFrame:
    with open(path) as file:
        return DataFrame(list(csv.DictReader(file)))
