"""Preflight: what it merges, what it refuses and in which words, and how fast it is."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contract import hyperparameters
from shardyard.handlers.launch.preflight import look
from shardyard.handlers.launch.preflight.index import preflight
from tests.support.fakes.fake_aws import STARTED, FakeAws
from tests.support.launches import DEPLOYMENT, preflight_event, tiny
from tests.support.preflights import in_progress, launch, refused


def test_every_question_is_asked_at_once(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()

    class Counted(ThreadPoolExecutor):
        def submit(self, function: Any, /, *given: Any, **named: Any) -> Any:
            asked.append(function.__name__)
            return super().submit(function, *given, **named)

    monkeypatch.setattr(look, "ThreadPoolExecutor", Counted)
    launch(aws)
    assert len(asked) == look._QUESTIONS


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
            "hyperparameters.b: '\\x00' is not allowed (a text without the character NUL)\n"
            "environment.A: 'a\\x00b' is not allowed (a text without the character NUL)",
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
    wrong = {f"{letter * 380}{number}": 1 for number in range(4000)}
    event = preflight_event(tiny()) | {"input": {"environment": wrong}}
    answer = preflight(event, aws, STARTED)["refused"]
    assert re.match(r"tiny was not launched, and nothing was billed: 10\d problems\.\n- ", answer["text"])
    assert answer["cause"].endswith("\n... and more") and len(answer["cause"]) < 32_768
    assert len(json.dumps(answer, ensure_ascii=False).encode()) < 100_000, (
        "the state holds it twice, and 256 KB at most"
    )
    assert answer["subject"].isascii() and answer["subject"].isprintable()


def test_a_hyperparameter_of_thousands_of_brackets_is_a_text(aws: FakeAws) -> None:
    text = "[" * 2400
    request = launch(aws, {"hyperparameters": {"text": text}})["request"]
    # how deep Python reads depends on what else is imported: either way it comes back as it was
    assert request["HyperParameters"]["text"] in (text, json.dumps(text))
    assert hyperparameters.decode(request["HyperParameters"]["text"]) == text


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
