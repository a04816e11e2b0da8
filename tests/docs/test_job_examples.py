"""The examples on the page of the job file: each table has one, and each is a file's part that is accepted."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts.pages.job_examples import AUTOML, EXAMPLES, PROCESSING
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.job_file import parse_variants
from shardyard.spec.rules import check
from shardyard.spec.rules.processing import MOST_SECONDS
from shardyard.spec.units import format_duration
from tests.support.spec.spec_tables import parse

PAGE = Path(__file__).parents[2] / "docs/reference/job-file.md"
LEAST: Mapping[str, Any] = {"image": {"folder": "pytorch"}, "compute": {"instance_type": "ml.g5.xlarge"}}
OF_PROCESSING: Mapping[str, Any] = {
    **LEAST,
    "kind": "processing",
    "inputs": {"libraries": {"s3": "libraries/"}},
}


OF_AUTOML: Mapping[str, Any] = {
    "kind": "automl",
    "compute": {"instance_type": "ml.m5.4xlarge"},
    "inputs": {"training": {"s3": "tables/"}},
}


def laid_over(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of the example laid over the least that a file must have."""
    merged = dict(base)
    for key, value in top.items():
        inner = merged.get(key)
        merged[key] = laid_over(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return merged


def problems_of(text: str, base: Mapping[str, Any] = LEAST) -> list[Problem]:
    example = tomllib.loads(text)
    least = {key: dict(table) if isinstance(table, Mapping) else table for key, table in base.items()}
    if {"groups", "preferences"} & set(example.get("compute", {})):
        del least["compute"]["instance_type"]
    if "tuning" in example:
        least["tuning"] = {"objective": {"metric": "loss"}}
    problems: list[Problem] = []
    parse_variants(laid_over(least, example), "example", "dev", where="", problems=problems)
    return problems


@pytest.mark.parametrize("table", EXAMPLES, ids=lambda name: name if name else "top")
def test_an_example_is_accepted(table: str) -> None:
    assert problems_of(EXAMPLES[table]) == []


@pytest.mark.parametrize("table", PROCESSING, ids=lambda name: name if name else "top")
def test_an_example_of_a_processing_job_is_accepted(table: str) -> None:
    assert problems_of(PROCESSING[table], OF_PROCESSING) == []


@pytest.mark.parametrize("table", AUTOML, ids=lambda name: name if name else "top")
def test_an_example_of_an_automl_job_is_accepted(table: str) -> None:
    learns = {"text_classification", "image_classification", "forecasting"} & {table}
    assert problems_of(AUTOML[table], {**OF_AUTOML, **({} if learns else {"tabular": {"target": "left"}})}) == []


@pytest.mark.parametrize(
    ("page", "examples"),
    [
        (PAGE, EXAMPLES),
        (PAGE.with_name("processing-job-file.md"), PROCESSING),
        (PAGE.with_name("automl-job-file.md"), AUTOML),
    ],
)
def test_every_example_stands_under_its_table(page: Path, examples: Mapping[str, str]) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(examples) > 13 and text.count("```toml") == len(examples)
    for table, example in examples.items():
        name = table.removesuffix("[]")
        head = "## The file itself" if not table else f"## `[[{name}]]`" if table.endswith("[]") else f"## `[{name}]`"
        assert example in text.partition(f"{head}\n")[2].partition("\n## ")[0], table


def test_a_wrong_example_is_found() -> None:
    assert [problem.where for problem in problems_of("[limits]\nmax_runtime = 'long'\n[spots]\nenabled = true")] == [
        "spots",
        "limits.max_runtime",
    ]


@pytest.mark.parametrize("key", ["algorithm", "access", "credentials_function"])
def test_the_page_of_processing_jobs_offers_nothing_that_the_rules_refuse(key: str) -> None:
    page = PAGE.with_name("processing-job-file.md").read_text(encoding="utf-8")
    value = "Vpc" if key == "access" else "arn:aws:lambda:us-east-1:123456789012:function:f"
    image = {key: value} if key == "algorithm" else {"folder": "pytorch", key: value}
    spec = parse({**OF_PROCESSING, "program": {"entry": "a.b"}, "image": image}, "example")
    said = [problem.where for problem in check(spec)]
    assert f"image.{key}" in said and f"`image.{key}`" not in page
    assert f"1s to {format_duration(MOST_SECONDS)} |" in page and "`image.builtin`" not in page
