"""The doctor looks for interface endpoints where the network stack will put them."""

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shardyard.spec.settings.settings import Settings
from tests.support.spec.spec_tables import parse
from yard.account import doctor

JOB = {"compute": {"instance_type": "ml.g5.xlarge"}, "program": {"entry": "a.b"}}
ZONES = {"us-east-1a": "use1-az6", "us-east-1b": "use1-az1", "us-east-1c": "use1-az2"}


class Ec2:
    """An account whose first zone lacks a service, and whose region lacks another."""

    def describe_availability_zones(self) -> dict[str, Any]:
        return {"AvailabilityZones": [{"ZoneName": name, "ZoneId": zone_id} for name, zone_id in ZONES.items()]}

    def describe_vpc_endpoint_services(self, *, Filters: list[dict[str, Any]]) -> dict[str, Any]:
        names = [name for name in Filters[0]["Values"] if not name.endswith(".experiments")]
        rest = ["us-east-1b", "us-east-1c"]
        details = [
            {"ServiceName": name, "AvailabilityZones": rest if name.endswith(".states") else list(ZONES)}
            for name in names
        ]
        return {"ServiceDetails": details}


def found(**context: Any) -> list[tuple[str, str]]:
    settings = Settings.from_context({name.replace("__", "."): value for name, value in context.items()})
    aws: Any = SimpleNamespace(
        project=SimpleNamespace(settings=settings), region="us-east-1", partition="aws", client=lambda service: Ec2()
    )
    return [(one.says, one.fix) for one in doctor._endpoints(aws)]


def test_a_zone_without_a_service_is_named_with_those_that_have_all() -> None:
    assert found(network__interface_endpoints="states,sts") == [
        (
            "states has no endpoint in us-east-1a, where the network stack puts one",
            "Set network.zone_names to zones that have all services: us-east-1b, us-east-1c",
        )
    ]


def test_zones_that_are_named_are_looked_at_in_place_of_the_first() -> None:
    names = {"network__interface_endpoints": "states,sts", "network__zone_names": "us-east-1b,use1-az6"}
    assert found(**names) == []  # dev has endpoints in the first of them alone
    assert [says for says, _ in found(stage="prod", **names)] == [
        "states has no endpoint in us-east-1a, where the network stack puts one"
    ]


def test_a_region_without_a_service_is_said() -> None:
    ((says, _),) = found(network__interface_endpoints="sagemaker.experiments")
    assert says == "us-east-1 has no aws.sagemaker.us-east-1.experiments"


def test_without_endpoints_there_is_nothing_to_look_for() -> None:
    assert found() == found(network__kind="none") == []


def test_a_cap_for_an_owner_whom_no_job_has_is_named() -> None:
    settings = Settings.from_context({"owner": "platform", "budget.per_owner": {"visoin": 5, "platform": 5, "*": 1}})
    jobs = [SimpleNamespace(owner="vision"), SimpleNamespace(owner=None)]
    aws: Any = SimpleNamespace(project=SimpleNamespace(settings=settings, jobs=lambda: jobs))
    (diagnosis,) = doctor._caps(aws)
    assert diagnosis.says.startswith("budget.per_owner caps 'visoin', and no job has this owner;")
    assert "vision" in diagnosis.says


def test_the_doctor_says_in_time_until_when_a_container_is_patched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Later":
            return cls(2027, 6, 1, tzinfo=tz)

    of_aws = parse({**JOB, "image": {"framework": "pytorch", "version": "2.13"}}, "of-aws")
    own = parse({**JOB, "image": {"folder": "own"}}, "own")
    project = SimpleNamespace(root=tmp_path, jobs=lambda: (of_aws, own))
    aws: Any = SimpleNamespace(project=project)
    assert list(doctor._images(aws)) == []
    monkeypatch.setattr(doctor, "datetime", Later)
    (found,) = doctor._images(aws)
    assert found.says.startswith("jobs/of-aws.toml: AWS patches its container pytorch 2.13 until 2027-07-20")
