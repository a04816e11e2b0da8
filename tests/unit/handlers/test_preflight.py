"""Preflight: what it merges, what it refuses and in which words, and how fast it is."""

import json
from typing import Any

import pytest

from shardyard.handlers.launch.preflight.index import preflight
from tests.support.fake_aws import STARTED, FakeAws
from tests.support.launches import DEPLOYMENT, preflight_event, tiny


@pytest.fixture
def aws() -> FakeAws:
    fake = FakeAws()
    fake.prices = {"ml.g5.xlarge": 2.0, "ml.g6.xlarge": 1.0}
    return fake


def launch(aws: FakeAws, given: Any = None, parameters: dict[str, str] | None = None, **tables: Any) -> dict[str, Any]:
    return preflight(preflight_event(tiny(**tables), given, parameters), aws, STARTED)


def refused(answer: dict[str, Any]) -> str:
    """The refusal's text; fails when it was accepted."""
    return str(answer["refused"]["cause"])


def in_progress(aws: FakeAws, count: int, kind: str = "ml.g5.xlarge", **fields: Any) -> None:
    for number in range(count):
        aws.jobs[f"other-{number}"] = {
            "TrainingJobName": f"other-{number}",
            "TrainingJobStatus": "InProgress",
            "ResourceConfig": {"InstanceType": kind, "InstanceCount": 1},
            **fields,
        }


def test_the_input_wins_over_the_parameter_over_the_file(aws: FakeAws) -> None:
    parameters = {"instance_count": "3", "max_runtime_seconds": "1800", "spot": "", "instance_type": ""}
    answer = launch(aws, {"instance_count": 4, "hyperparameters": {"lr": 0.1}}, parameters)
    assert answer["request"]["ResourceConfig"]["InstanceCount"] == 4
    assert answer["request"]["StoppingCondition"]["MaxRuntimeInSeconds"] == 1800
    assert answer["run"]["values"]["instance_count"] == {"value": 4, "source": "input"}
    assert answer["run"]["values"]["max_runtime_seconds"] == {"value": 1800, "source": "parameter"}
    assert answer["run"]["values"]["instance_type"] == {"value": "ml.g5.xlarge", "source": "toml"}
    assert answer["run"]["values"]["hyperparameters.lr"] == {"value": 0.1, "source": "input"}


EFA = {"instance_type": "ml.g5.8xlarge", "count": 2}


@pytest.mark.parametrize("directions", [(), ("IpPermissions",), ("IpPermissionsEgress",)])
def test_a_group_that_does_not_allow_itself_is_refused_where_efa_needs_it(aws: FakeAws, directions: Any) -> None:
    aws.groups["sg-1"] = directions
    assert refused(launch(aws, compute=EFA)) == (
        "compute.instance_type: ml.g5.8xlarge uses EFA, and the security group does not allow itself in both directions"
    )
    assert "request" in launch(aws), "ml.g5.xlarge has no EFA"
    assert "request" in launch(aws, compute={**EFA, "count": 1})


def test_a_group_that_nobody_may_look_at_is_not_held_against_a_launch(aws: FakeAws) -> None:
    assert "request" in launch(aws, compute=EFA)
    aws.groups = {}
    assert "request" in launch(aws, compute=EFA)


def test_a_repeated_call_gives_the_same_run_and_name(aws: FakeAws) -> None:
    first, second = launch(aws), launch(aws)
    assert first == second
    assert first["request"]["TrainingJobName"] == "tiny-20261121-073000-ab12-1"


def test_an_execution_with_another_name_makes_a_run_id_of_its_start(aws: FakeAws) -> None:
    event = preflight_event(tiny()) | {"execution": "arn:aws:states:us-east-1:123456789012:execution:m:some-name"}
    run_id = preflight(event, aws, STARTED)["run"]["id"]
    assert run_id.startswith("20261121-073000-") and len(run_id) == 20


def test_a_continued_run_takes_the_next_number(aws: FakeAws) -> None:
    for number in (1, 2, 10):
        name = f"tiny-r1-{number}"
        aws.jobs[name] = {"TrainingJobName": name, "TrainingJobStatus": "Failed"}
    answer = launch(aws, {"run_id": "r1"})
    assert answer["request"]["TrainingJobName"] == "tiny-r1-11"
    assert answer["request"]["CheckpointConfig"]["S3Uri"] == "s3://artifacts/checkpoints/tiny/r1/"


def test_a_run_that_still_runs_is_not_continued(aws: FakeAws) -> None:
    job = {"TrainingJobStatus": "InProgress", "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1}}
    aws.jobs["tiny-r1-1"] = {"TrainingJobName": "tiny-r1-1", **job}
    assert refused(launch(aws, {"run_id": "r1"})) == (
        "run_id: the run r1 is still in progress as tiny-r1-1; stop it, or wait for it"
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"hyperparameter": {}}, "hyperparameter: unknown key; did you mean 'hyperparameters'?"),
        ({"instance_count": "two"}, "instance_count: 'two' is not allowed (a whole number)"),
        ({"instance_count": 0}, "instance_count: 0 is not allowed (1 or more)"),
        ([], "input: [] is not allowed (a table of overrides; {} for none)"),
        (None, "input: null is not allowed (a table of overrides; {} for none)"),
        ("x" * 300_000, f'input: "{"x" * 75}... is not allowed (a table of overrides; {{}} for none)'),
        ({"max_runtime_seconds": -5}, "max_runtime_seconds: -5s is not allowed (1s to 28d)"),
        (
            {"environment": {"A": "a\0b"}, "hyperparameters": {"b": "\0"}},
            "hyperparameters.b: a NUL letter is not allowed: no program can be given one\n"
            "environment.A: a NUL letter is not allowed: no program can be given one",
        ),
        ({"instance_type": "ml.g5.hugest"}, "ml.g5.hugest"),
    ],
)
def test_a_wrong_input_is_refused(aws: FakeAws, given: Any, said: str) -> None:
    event = preflight_event(tiny()) | {"input": given}
    assert said in refused(preflight(event, aws, STARTED))
    assert not aws.jobs


@pytest.mark.parametrize("letter", ["k", "\u4e2d", "\ud800"])
def test_a_refusal_of_thousands_of_problems_still_fits_into_the_state(aws: FakeAws, letter: str) -> None:
    event = preflight_event(tiny()) | {"input": {f"{letter}{number}": 1 for number in range(4000)}}
    answer = preflight(event, aws, STARTED)["refused"]
    assert answer["text"].startswith("tiny was not launched, and nothing was billed: 4000 problems.\n- ")
    assert answer["cause"].endswith("\n... and more") and len(answer["cause"]) < 32_768
    assert len(json.dumps(answer, ensure_ascii=False).encode()) < 100_000, (
        "the state holds it twice, and 256 KB at most"
    )
    assert answer["subject"].isascii() and answer["subject"].isprintable()


def test_a_hyperparameter_of_a_thousand_brackets_is_a_text(aws: FakeAws) -> None:
    text = "[" * 2400
    request = launch(aws, {"hyperparameters": {"text": text}})["request"]
    assert request["HyperParameters"]["text"] == json.dumps(text)


def test_another_volume_stands_in_the_request_and_in_the_run(aws: FakeAws) -> None:
    answer = launch(aws, {"volume": "200GB"})
    assert answer["request"]["ResourceConfig"]["VolumeSizeInGB"] == 200
    assert answer["run"]["values"]["volume"] == {"value": 200, "source": "input"}


def test_all_problems_are_said_at_once(aws: FakeAws) -> None:
    aws.images = {}
    answer = launch(aws, {"cap_usd": 1}, channels={"train": {"s3": "nothing/"}})
    places = [line.split(":")[0] for line in refused(answer).splitlines() if not line.startswith("  ")]
    assert places == ["image", "channels.train", "cost"]
    assert answer["refused"]["text"].startswith("tiny was not launched, and nothing was billed: 3 problems.")


def test_a_missing_image_says_the_three_commands(aws: FakeAws) -> None:
    aws.images = {}
    lines = refused(launch(aws)).splitlines()
    uri = DEPLOYMENT.image_uri
    assert lines[0] == f"image: {uri} is not in its repository. Build and push it with yard image push pytorch, or:"
    assert [line.split()[:2] for line in lines[1:]] == [["aws", "ecr"], ["docker", "build"], ["docker", "push"]]
    assert "--file containers/pytorch/Dockerfile" in lines[2] and "linux/amd64" in lines[2]


AWS_IMAGE = {"framework": "pytorch", "version": "2.13"}


def test_the_container_that_the_deploy_chose_does_not_follow_another_kind_of_machine(aws: FakeAws) -> None:
    spec = tiny(image=AWS_IMAGE)
    chosen = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch:2.13-cu133-amzn2023-sagemaker"

    def launched(given: Any) -> dict[str, Any]:
        event = preflight_event(spec, given)
        return preflight({**event, "deployment": {**event["deployment"], "image_uri": chosen}}, aws, STARTED)

    accepted = launched({})
    assert accepted["request"]["AlgorithmSpecification"]["TrainingImage"] == chosen
    assert accepted["plan"]["image"] == {"uri": chosen, "digest": None}, "AWS's registry is not ours to look at"
    assert refused(launched({"instance_type": "ml.c5.xlarge"})) == (
        "compute.instance_type: ml.c5.xlarge has no GPU, and the deploy chose pytorch:2.13-cu133-amzn2023-sagemaker "
        "by the job's first type (take types of one kind, or change the first and deploy)"
    )


def test_an_empty_channel_is_refused(aws: FakeAws) -> None:
    said = refused(launch(aws, channels={"train": {"s3": "digits/"}}))
    assert said == "channels.train: there are no objects under s3://data/digits/; put data there, or correct the prefix"


def test_fewer_objects_than_instances_cannot_be_sharded(aws: FakeAws) -> None:
    aws.counted["data/digits/"] = 1
    said = refused(launch(aws, channels={"train": {"s3": "digits/", "distribution": "ShardedByS3Key"}}))
    assert said.startswith("channels.train") and "1" in said and "2" in said


def test_the_balance_of_a_sharded_channel_is_reported(aws: FakeAws) -> None:
    aws.counted["data/digits/"] = 5
    answer = launch(aws, channels={"train": {"s3": "digits/", "distribution": "ShardedByS3Key"}})
    assert answer["plan"]["data"][0]["objects_per_instance"] == (2, 3)
    assert answer["plan"]["notes"][0] == (
        "train: 5 objects, 2 to 3 per instance; uneven: 200 to 300 bytes, "
        "and the others wait for the instance with the most"
    )


def test_counting_stops_at_ten_thousand(aws: FakeAws) -> None:
    aws.counted["data/digits/"] = 25_000
    answer = launch(aws, channels={"train": {"s3": "digits/", "distribution": "ShardedByS3Key"}})
    assert (answer["plan"]["data"][0]["count"], answer["plan"]["data"][0]["at_least"]) == (10_000, True)
    assert answer["plan"]["notes"][0].startswith("train: at least 10000 objects, 5000 to 5000 per instance")
    assert aws.calls.count("s3.list_objects_v2") == 10


def test_a_manifest_is_counted_by_its_entries(aws: FakeAws) -> None:
    aws.objects["data"] = {"list.manifest": json.dumps([{"prefix": "s3://data/"}, "a", "b", "c"]).encode()}
    channel = {"s3": "list.manifest", "type": "ManifestFile", "distribution": "ShardedByS3Key"}
    assert launch(aws, channels={"train": channel})["plan"]["data"][0]["count"] == 3


def test_a_quota_that_can_never_be_met_says_by_how_much(aws: FakeAws) -> None:
    aws.quotas["L-G5"] = 1
    assert refused(launch(aws)) == (
        "quotas: the quota 'ml.g5.xlarge for training job usage' is 1 and this launch needs 2: 1 more are needed"
    )


def test_a_quota_in_use_is_waited_for(aws: FakeAws) -> None:
    aws.quotas["L-G5"] = 3
    in_progress(aws, 2)
    answer = launch(aws)
    assert "refused" not in answer
    assert (
        "the quota 'ml.g5.xlarge for training job usage' is 3, 2 are in use and this launch needs 2: 1 too many now"
        in answer["plan"]["notes"]
    )


def test_a_quota_in_use_refuses_a_job_that_never_waits(aws: FakeAws) -> None:
    aws.quotas["L-G5"] = 3
    in_progress(aws, 2)
    said = refused(launch(aws, queue={"max_wait": "0s"}))
    assert said.endswith("1 too many now; queue.max_wait is 0, so it does not wait")


def test_a_launch_begins_with_the_first_type_that_fits_now(aws: FakeAws) -> None:
    compute = {"instance_type": "ml.g5.xlarge", "count": 2, "fallback": [{"instance_type": "ml.g6.xlarge"}]}
    aws.quotas["L-G5"] = 0
    answer = launch(aws, compute=compute)
    assert answer["request"]["ResourceConfig"]["InstanceType"] == "ml.g6.xlarge"
    assert [one["instance_type"] for one in answer["plan"]["candidates"]] == ["ml.g6.xlarge"]
    aws.quotas["L-G5"] = 2
    in_progress(aws, 1)
    answer = launch(aws, compute=compute)
    assert answer["request"]["ResourceConfig"]["InstanceType"] == "ml.g6.xlarge"
    assert [one["instance_type"] for one in answer["plan"]["candidates"]] == ["ml.g5.xlarge", "ml.g6.xlarge"]


def test_spot_and_warm_instances_count_apart(aws: FakeAws) -> None:
    aws.quotas["L-G5"] = 2
    in_progress(aws, 2, EnableManagedSpotTraining=True)
    assert launch(aws, queue={"max_wait": "0s"})["plan"]["notes"] == []
    aws.quotas["L-SPOT-G5"] = 3
    said = refused(launch(aws, {"spot": True}, queue={"max_wait": "0s"}))
    assert "spot training job usage' is 3, 2 are in use" in said


def test_a_quota_that_nobody_lists_is_said_not_guessed(aws: FakeAws) -> None:
    answer = launch(aws, {"instance_type": "ml.c5.2xlarge", "processes_per_node": 1})
    assert (
        "the quota 'ml.c5.2xlarge for training job usage' could not be read, so it is unknown whether 2 fit"
        in answer["plan"]["notes"]
    )


def test_the_dearest_case_is_held_against_both_caps(aws: FakeAws) -> None:
    cost = launch(aws)["cost"]
    assert (cost["worst_case_usd"], cost["source"]) == (4.0, "Pricing API, 2026-11-21")
    event = preflight_event(tiny()) | {"project_cap_usd": 3.0}
    said = refused(preflight(event, aws, STARTED))
    assert said.startswith(
        "cost: the worst case is 4.00 USD and the project's cap (training.cap_usd) is 3.00 USD: 2 x ml.g5.xlarge"
    )


def test_without_the_pricing_api_the_snapshot_is_named(aws: FakeAws) -> None:
    aws.prices = {}
    assert launch(aws)["cost"]["source"].startswith("snapshot of ")


def test_a_cap_that_cannot_be_checked_lets_nothing_pass(aws: FakeAws) -> None:
    kind = {"instance_type": "ml.p5en.48xlarge", "count": 1}
    assert refused(launch(aws, compute=kind)) == (
        "cost: no price is known for ml.p5en.48xlarge in us-east-1 (neither the Pricing API nor the snapshot of "
        "2026-09-01 has one), so the project's cap (training.cap_usd) of 500.00 USD cannot be checked; set its "
        'hourly price in jobs/tiny.toml and deploy: [cost] hourly_usd = { "ml.p5en.48xlarge" = ... }'
    )
    fallback = {"instance_type": "ml.g5.xlarge", "fallback": [{"instance_type": "ml.p5en.48xlarge"}]}
    assert "the job's cap (cost.cap_usd) of 9.00 USD" in refused(launch(aws, compute=fallback, cost={"cap_usd": 9}))


def test_a_price_of_the_job_s_own_is_for_a_type_that_has_none(aws: FakeAws) -> None:
    prices = {"ml.p5en.48xlarge": 60, "ml.g5.xlarge": 0.01}
    kind = {"instance_type": "ml.p5en.48xlarge", "count": 2}
    cost = launch(aws, compute=kind, cost={"hourly_usd": prices})["cost"]
    assert (cost["worst_case_usd"], cost["source"]) == (120.0, "cost.hourly_usd of the job's file")
    assert cost["hourly_usd"]["ml.p5en.48xlarge"] == 60
    assert launch(aws, cost={"hourly_usd": prices})["cost"]["worst_case_usd"] == 4.0
    dear = refused(launch(aws, compute=kind, cost={"hourly_usd": {"ml.p5en.48xlarge": 251}}))
    assert dear.startswith("cost: the worst case is 502.00 USD and the project's cap")


def test_code_that_was_not_uploaded_is_refused(aws: FakeAws) -> None:
    spec = tiny(source={"dir": "mine"}, program={"entry": "train.py"}).with_source("a" * 64)
    said = refused(preflight(preflight_event(spec), aws, STARTED))
    assert said == (
        f"source_sha256: there is no s3://artifacts/source/{'a' * 64}.zip; upload the code with: yard train"
    )
    aws.objects["artifacts"][f"source/{'a' * 64}.zip"] = b""
    assert preflight(preflight_event(spec), aws, STARTED)["run"]["source_sha256"] == "a" * 64


def test_a_machine_of_an_older_deploy_says_so(aws: FakeAws) -> None:
    event = preflight_event(tiny()) | {"fields": ["TrainingJobName"]}
    with pytest.raises(RuntimeError, match="deploy again"):
        preflight(event, aws, STARTED)


def test_a_refusals_subject_is_what_sns_takes(aws: FakeAws) -> None:
    subject = launch(aws, {"instance_type": "ml.g5." + "x" * 90})["refused"]["subject"]
    assert len(subject) < 100 and subject.isascii() and "\n" not in subject


def test_few_calls_follow_one_another() -> None:
    """Twenty running jobs, 10,000 objects, every call as slow as over a long line: at 50 ms, within a second."""
    aws = FakeAws(delay_seconds=0.05)
    aws.counted["data/digits/"] = 10_000
    in_progress(aws, 20)
    answer = launch(aws, channels={"train": {"s3": "digits/", "distribution": "ShardedByS3Key"}})
    assert "refused" not in answer
    assert aws.longest_chain <= 15 < len(aws.calls)
