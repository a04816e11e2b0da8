"""The examples on the page of the endpoint file: each table has one, and each is a file's part that is accepted."""

import tomllib
from pathlib import Path

import pytest

from scripts.pages.endpoint_examples import EXAMPLES
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.errors import SpecError
from tests.support.spec.endpoint_rule_cases import BASE
from tests.support.spec.spec_tables import over

PAGE = Path(__file__).parents[2] / "docs/reference/endpoint-file.md"


def parse(text: str) -> EndpointSpec:
    """The example laid over the least that a file must have."""
    example = tomllib.loads(text)
    base = {key: table for key, table in BASE.items() if key != "model" or "model" not in example}
    if ".schedules." in text or ".steps.changes" in text:
        example = over({"variants": {"main": {"scaling": {"most": 9}}}}, example)
    if ".steps.changes]]" in text:
        example["variants"]["main"]["scaling"]["steps"] |= {"metric": "cpu", "threshold": 80}
    if "variants.next" in text:
        example["variants"]["next"]["instance_type"] = "ml.m5.large"
    if ".scaling.steps]" in text:
        example["variants"]["main"]["scaling"]["most"] = 9
    return EndpointSpec.from_dict(over(base, example))


@pytest.mark.parametrize("table", EXAMPLES, ids=lambda name: name if name else "top")
def test_an_example_is_accepted(table: str) -> None:
    assert parse(EXAMPLES[table]).name == "digits"


def test_a_wrong_example_is_found() -> None:
    with pytest.raises(SpecError, match="deployments: unknown key"):
        parse("[deployments]\nbake = '5m'")


def test_every_example_stands_under_its_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("```toml") == len(EXAMPLES)
    for table, example in EXAMPLES.items():
        name = table.removesuffix("[]")
        head = "## The file itself" if not table else f"## `[[{name}]]`" if table.endswith("[]") else f"## `[{name}]`"
        assert example in text.partition(f"{head}\n")[2].partition("\n## ")[0], table
