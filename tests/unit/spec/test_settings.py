"""Settings: strict, all problems at once, one line each, and parsed by annotation."""

import json
from pathlib import Path
from typing import Any

import pytest

from shardyard.spec.errors import SpecError
from shardyard.spec.settings.network import NetworkSettings
from shardyard.spec.settings.settings import Settings


def problems(**context: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        Settings.from_context({key.replace("__", "."): value for key, value in context.items()})
    return str(caught.value).splitlines()


def test_a_new_vpcs_largest_subnet_says_how_many_addresses_it_has() -> None:
    """AWS keeps five of each subnet for itself."""
    assert NetworkSettings().largest_subnet_addresses == 2**15 - 5
    uneven = NetworkSettings(cidr="10.0.0.0/24", subnet_cidrs=("10.0.0.0/28", "10.0.0.64/26"))
    assert uneven.largest_subnet_addresses == 59
    existing = NetworkSettings(kind="existing", vpc_id="vpc-01234567", subnet_ids=("subnet-01234567",))
    assert existing.largest_subnet_addresses is None
    assert NetworkSettings(kind="none").largest_subnet_addresses is None


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert Settings.from_file(tmp_path / "cdk.json") == Settings()
    assert Settings().stack_name("storage") == "shardyard-dev-storage"


def test_cdk_json_that_ships_is_valid() -> None:
    root = Path(__file__).parents[3]
    assert Settings.from_file(root / "cdk.json") == Settings()


def test_a_file_that_is_not_json_is_said(tmp_path: Path) -> None:
    (tmp_path / "cdk.json").write_text("{")
    with pytest.raises(SpecError, match=r"cdk\.json: is not JSON: .* line 1 column 2"):
        Settings.from_file(tmp_path / "cdk.json")


@pytest.mark.parametrize("content", ["[]", "5", '{"context": 5}', '{"context": ["stage"]}'])
def test_a_file_without_settings_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "cdk.json").write_text(content)
    with pytest.raises(SpecError, match=r'cdk\.json: holds no settings; write {"context": {"stage": "dev"}}'):
        Settings.from_file(tmp_path / "cdk.json")


def test_a_tag_may_have_a_colon_and_is_never_dropped() -> None:
    assert Settings.from_context({"tags.cost:center": "5"}).tags == {"cost:center": "5"}
    assert problems(**{"tags.aws:x": "5"}) == ["tags.aws:x: a key that starts with 'aws:' belongs to AWS"]


def test_texts_from_the_command_line_are_parsed_by_annotation() -> None:
    settings = Settings.from_context(
        {
            "stage": "prod",
            "notebooks.auto_stop": "false",
            "network.zones": "3",
            "budget.monthly_usd": "250",
            "network.interface_endpoints": "logs, sts",
            "notebooks.volume": "50GB",
            "quotas.requests": '[{"name": "ml.p5.48xlarge for training job usage", "at_least": 2}]',
            "aws:cdk:bundling-stacks": ["**"],
            "@aws-cdk/core:checkSecretUsage": True,
        }
    )
    assert settings.notebooks.auto_stop is False
    assert settings.network.zones == 3
    assert settings.budget.monthly_usd == 250.0
    assert settings.network.interface_endpoints == ("logs", "sts")
    assert settings.notebooks.volume == 50
    assert [(q.name, q.at_least) for q in settings.quotas.requests] == [("ml.p5.48xlarge for training job usage", 2.0)]
    assert settings.endpoint_zones == 3


def test_a_dotted_key_changes_one_value_of_a_table_in_cdk_json() -> None:
    settings = Settings.from_context({"network": {"zones": 3, "cidr": "10.7.0.0/16"}, "network.zones": "1"})
    assert (settings.network.zones, settings.network.cidr) == (1, "10.7.0.0/16")


def test_all_problems_are_said_at_once_one_line_each() -> None:
    found = problems(stage="prod2", budgt="3", network__zones="0", alerts__email="nobody")
    assert found == [
        "budgt: unknown key; did you mean 'budget'?",
        "stage: 'prod2' is not allowed (one of dev, staging, prod)",
        "network.zones: 0 is not allowed (1 to 3)",
        "alerts.email: 'nobody' is not allowed (an e-mail address such as team@example.com)",
    ]


FOUR = ",".join(f"https://example.com/team/{name}.git" for name in ("a", "b", "c", "d"))


@pytest.mark.parametrize(
    ("context", "line"),
    [
        ({"stage": "prod2"}, "stage: 'prod2' is not allowed (one of dev, staging, prod)"),
        ({"netwrk.zones": "2"}, "netwrk: unknown key; did you mean 'network'?"),
        ({"network.zone": "2"}, "network.zone: unknown key; did you mean 'zones'?"),
        ({"training.max_cost_usd": "9"}, "training.max_cost_usd: unknown key; it is called 'cap_usd' now"),
        ({"some key": "1"}, None),
        (
            {"edge_manager.enabled": "true"},
            "edge_manager: Edge Manager (devices and device fleets) is retired (2024-04-26); use ONNX or "
            "ExecuTorch with AWS IoT Greengrass",
        ),
        (
            {"notebooks.instance_type": "ml.t3.mediun"},
            "notebooks.instance_type: 'ml.t3.mediun' is not a notebook instance type; did you mean 'ml.t3.medium'?",
        ),
        ({"network.zones": "0"}, "network.zones: 0 is not allowed (1 to 3)"),
        ({"network.zones": "-1"}, "network.zones: -1 is not allowed (1 to 3)"),
        ({"network.zones": "two"}, "network.zones: 'two' is not allowed (a whole number)"),
        ({"network.cidr": "10.0.0.0"}, "network.cidr: '10.0.0.0' is not allowed (an IPv4 range such as 10.42.0.0/16)"),
        ({"network.cidr": "10.0.0.0/8"}, "network.cidr: '10.0.0.0/8' is not allowed (/16 to /24)"),
        (
            {"network.cidr": "172.17.0.0/20"},
            "network.cidr: '172.17.0.0/20' overlaps 172.17.0.0/16, which Docker uses on SageMaker's hosts",
        ),
        (
            {"network.zone_names": "us-east-1a"},
            "network.zone_names: 1 given for 2 zones; give one for each zone",
        ),
        (
            {"network.kind": "none", "network.zone_names": "us-east-1a,us-east-1b"},
            "network.zone_names: are only used in a new VPC, and kind is 'none'",
        ),
        (
            {"network.subnet_cidrs": "10.42.0.0/20,10.42.8.0/21"},
            "network.subnet_cidrs: '10.42.0.0/20' overlaps '10.42.8.0/21'",
        ),
        (
            {"network.subnet_cidrs": "10.42.0.0/20,10.43.0.0/20"},
            "network.subnet_cidrs[1]: '10.43.0.0/20' is not inside network.cidr '10.42.0.0/16'",
        ),
        (
            {"network.subnet_cidrs": "10.42.0.0/20"},
            "network.subnet_cidrs: 1 given for 2 zones; give one for each zone",
        ),
        (
            {"network.kind": "existing", "network.subnet_ids": "subnet-12345678"},
            "network.vpc_id: missing; kind 'existing' needs the id of the VPC",
        ),
        (
            {"network.vpc_id": "vpc-12345678"},
            "network.vpc_id: is only used with network.kind 'existing', and kind is 'new'",
        ),
        (
            {"network.kind": "none", "network.interface_endpoints": "logs"},
            "network.interface_endpoints: are only made in a new VPC, and kind is 'none'",
        ),
        (
            {
                "notebooks.git_private": "true",
                "notebooks.git_url": "https://example.com/a/b.git",
                "notebooks.git_access": "direct",
            },
            "notebooks.git_secret_name: missing; a private repository needs the name of a secret",
        ),
        (
            {"notebooks.git_url": "git@example.com:a/b.git", "notebooks.git_access": "direct"},
            "notebooks.git_url: 'git@example.com:a/b.git' is not allowed (an https address without a user name, such "
            "as https://github.com/team/project.git)",
        ),
        (
            {"notebooks.additional_repositories": FOUR, "notebooks.git_access": "direct"},
            "notebooks.additional_repositories: 4 are not allowed (SageMaker takes up to 3)",
        ),
        (
            {"notebooks.git_url": "https://example.com/a/b.git"},
            "notebooks.git_access: 'none' is not allowed with a repository: without a way to the git host the notebook "
            "never starts (codecommit, own-route, direct)",
        ),
        (
            {
                "notebooks.enabled": "true",
                "notebooks.git_url": "https://example.com/a/b.git",
                "notebooks.git_access": "own-route",
            },
            "notebooks.git_access: 'own-route' needs network.kind 'existing' with a route to the git host, and kind is "
            "'new': the VPC that this project makes has no route out",
        ),
        (
            {"alerts.email": "nobody"},
            "alerts.email: 'nobody' is not allowed (an e-mail address such as team@example.com)",
        ),
        ({"budget.monthly_usd": "-5"}, "budget.monthly_usd: -5 is not allowed (1 to 100000)"),
        ({"budget.monthly_usd": "much"}, "budget.monthly_usd: 'much' is not allowed (a number)"),
        (
            {"quotas.requests": '[{"name": "x", "at_least": 0}]'},
            "quotas.requests[0].at_least: 0 is not allowed (1 to 10000)",
        ),
        ({"retention.checkpoint_days": "0"}, "retention.checkpoint_days: 0 is not allowed (1 to 3650)"),
        ({"notebooks.auto_stop": "no"}, "notebooks.auto_stop: 'no' is not allowed (true or false)"),
        ({"tags": {"owner": "me"}}, "tags.owner: is set by the setting 'owner'"),
        ({"tags": {"aws:x": "1"}}, "tags.aws:x: a key that starts with 'aws:' belongs to AWS"),
        (
            {"identity.permissions_boundary": "boundary"},
            "identity.permissions_boundary: 'boundary' is not allowed (the ARN of an IAM policy)",
        ),
    ],
)
def test_each_wrong_value_has_its_line(context: dict[str, Any], line: str | None) -> None:
    with pytest.raises(SpecError) as caught:
        Settings.from_context(context)
    (said,) = str(caught.value).splitlines()
    assert said == line if line is not None else said.startswith("some key: unknown key; known: ")


def test_the_vpc_is_cut_into_as_many_parts_as_zones() -> None:
    three = Settings.from_context({"network.zones": "3"}).network
    assert three.subnet_ranges() == ("10.42.0.0/18", "10.42.64.0/18", "10.42.128.0/18")
    one = Settings.from_context({"network.zones": "1"}).network
    assert one.subnet_ranges() == ("10.42.0.0/16",)


def test_tags_hold_project_stage_and_owner() -> None:
    settings = Settings.from_context({"owner": "ml team", "tags": {"cost-center": "7"}})
    assert settings.all_tags == {"project": "shardyard", "stage": "dev", "owner": "ml team", "cost-center": "7"}


def test_the_context_that_turns_everything_on_is_valid() -> None:
    root = Path(__file__).parents[3]
    settings = Settings.from_context(json.loads((root / "tests" / "everything_on.json").read_text()))
    assert settings.notebooks.enabled
    assert len(settings.network.interface_endpoints) == 14


def test_a_long_list_of_known_words_is_cut() -> None:
    with pytest.raises(SpecError) as refused:
        Settings.from_context({"notebooks.instance_type": "zzzz"})
    line = str(refused.value)
    assert line.startswith("notebooks.instance_type: 'zzzz' is not a notebook instance type; known: ml.c4.2xlarge, ")
    assert line.endswith(" and 149 more")
