"""The examples on the page of the job file: each table has one, and each is a file's part that is accepted."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts.job_examples import EXAMPLES
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.job_file import parse_variants

PAGE = Path(__file__).parents[2] / "docs/reference/job-file.md"
LEAST: Mapping[str, Any] = {"image": {"folder": "pytorch"}, "compute": {"instance_type": "ml.g5.xlarge"}}


def laid_over(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of the example laid over the least that a file must have."""
    merged = dict(base)
    for key, value in top.items():
        inner = merged.get(key)
        merged[key] = laid_over(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return merged


def problems_of(text: str) -> list[Problem]:
    example = tomllib.loads(text)
    least = {key: dict(table) for key, table in LEAST.items()}
    if {"groups", "preferences"} & set(example.get("compute", {})):
        del least["compute"]["instance_type"]
    problems: list[Problem] = []
    parse_variants(laid_over(least, example), "example", "dev", where="", problems=problems)
    return problems


@pytest.mark.parametrize("table", EXAMPLES, ids=lambda name: name if name else "top")
def test_an_example_is_accepted(table: str) -> None:
    assert problems_of(EXAMPLES[table]) == []


def test_every_example_stands_under_its_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(EXAMPLES) > 20 and text.count("```toml") == len(EXAMPLES)
    for table, example in EXAMPLES.items():
        name = table.removesuffix("[]")
        head = "## The file itself" if not table else f"## `[[{name}]]`" if table.endswith("[]") else f"## `[{name}]`"
        assert example in text.partition(f"{head}\n")[2].partition("\n## ")[0], table


def test_a_wrong_example_is_found() -> None:
    assert [problem.where for problem in problems_of("[limits]\nmax_runtime = 'long'\n[spots]\nenabled = true")] == [
        "spots",
        "limits.max_runtime",
    ]
