"""docs/reference/embedded-cloud.md, held against the code: its tables, and claims with a number."""

import re
from pathlib import Path

import pytest

from embedded import operations
from embedded.access.evaluation import conditions
from embedded.cloudformation.providers import PROVIDERS
from embedded.settings import TrainingSettings
from scripts.pages import embedded_cloud

TEXT = embedded_cloud.PAGE.read_text()
ROOT = Path(__file__).parents[3]


def table(name: str) -> str:
    """What stands between a table's marks."""
    found = re.search(rf"<!-- table: {name} -->\n(.*?)<!-- end -->", TEXT, re.DOTALL)
    assert found is not None, f"no table {name} on the page"
    return found[1]


@pytest.mark.parametrize("name", sorted(embedded_cloud.TABLES))
def test_every_table_stands_on_the_page_and_is_what_the_code_says(name: str) -> None:
    assert table(name).strip() == embedded_cloud.TABLES[name](), "run: make docs"


def test_every_service_has_a_section_and_no_other_has() -> None:
    sections = re.findall(r"^### (\w+)$", TEXT.partition("\n## The services\n")[2], re.MULTILINE)
    assert len(sections) > 10
    assert sections == embedded_cloud.folders()


def test_the_types_are_those_with_a_provider() -> None:
    assert set(re.findall(r"`(AWS::\w+::\w+)`", TEXT)) == set(PROVIDERS)


def test_the_operations_and_verbs_are_those_registered() -> None:
    listed = re.findall(r"^- Operations of our own, before moto's: ([\w, ]+)\.$", TEXT, re.MULTILINE)
    of_services = [name for names in listed if names != "none" for name in names.split(", ")]
    of_engine = re.findall(r"`(\w+)`", table("engine"))
    assert sorted(of_services + of_engine) == sorted(name for _, name in operations.operations())
    assert re.findall(r"`([\w-]+)`", table("verbs")) == operations.verbs()
    # the switch is registered by the guard, not by a module of the list
    assert "enforce-iam" in operations.verbs()


def test_every_condition_operator_on_the_page_is_evaluated() -> None:
    for name in re.findall(r"`(\w+)`", table("conditions")):
        value = {"Bool": "true", "Null": "true", "IpAddress": "10.0.0.0/8", "NotIpAddress": "10.0.0.0/8"}.get(name, "1")
        actual = {"IpAddress": "10.0.0.1", "NotIpAddress": "10.0.0.1"}.get(name, "1")
        # no operator of the page is one that the evaluation refuses
        conditions.conditions_hold({name: {"key": value}}, {"key": actual})
    with pytest.raises(ValueError, match="StringNever"):
        conditions.conditions_hold({"StringNever": {"key": "1"}}, {"key": "1"})


def test_the_settings_are_those_that_can_be_set() -> None:
    said = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+) \|$", table("settings"), re.MULTILINE))
    settings = TrainingSettings()
    assert {name: float(value) for name, value in said.items()} == {name: getattr(settings, name) for name in said}


def test_the_numbers_of_the_prose_are_the_codes() -> None:
    from embedded.services.lambda_.operations import RETRY_SECONDS
    from embedded.services.servicequotas.catalogue import by_name
    from embedded.services.stepfunctions.sagemaker.task import POLL_SECONDS

    assert RETRY_SECONDS == [60.0, 120.0] and "Event retries wait 1 and 2 minutes" in TEXT
    assert POLL_SECONDS == 1.0 and "looks again after a second" in TEXT
    quotas = by_name()
    assert quotas["ml.g5.12xlarge for training job usage"].default == 20 and "starts at 20" in TEXT
    for name in ("p4d.24xlarge", "p4de.24xlarge", "p5.48xlarge", "trn1.32xlarge"):
        assert quotas[f"ml.{name} for training job usage"].default == 0, name
    assert quotas["ml.g5.12xlarge for training warm pool usage"].default == 0


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:yard|embedded)/[\w/]+(?:\.py)?)/?`", TEXT))))
def test_the_files_on_the_page_are_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_what_is_refused_is_refused_by_the_code() -> None:
    from embedded.services.sagemaker.training import validation

    algorithm = {"TrainingImage": "x", "TrainingInputMode": "File"}
    said = [*validation._algorithm({}), *validation._algorithm({"AlgorithmSpecification": {"AlgorithmName": "x"}})]
    request = {"AlgorithmSpecification": algorithm, "ResourceConfig": {}}
    sources: list[dict[str, dict[str, str]]] = [{"DatasetSource": {}}, {"S3DataSource": {"S3DataType": "Converse"}}]
    for source in sources:
        said += validation._channels(request | {"InputDataConfig": [{"ChannelName": "c", "DataSource": source}]})
    for word in ("AlgorithmName", "DatasetSource", "Converse", "serverless"):
        assert word in TEXT and any(word in message for message in said), word
