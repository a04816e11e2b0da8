"""Whatever of ours reads what AWS writes, over every fact that others recorded; a reader without facts fails."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from contract.paths import BASE_VARIABLE
from shardyard.handlers import aws
from shardyard.handlers.launch.classify.failures import Kind, job_in_cause, read_call, read_job, read_vain_wait
from shardyard.handlers.launch.janitor.index import clean_up, tell
from shardyard.handlers.launch.receipt.attempts import account
from shardyard.handlers.launch.search.outcome import outcome_of
from shardyard.handlers.launch.spot_wait import waited_seconds
from shardyard.handlers.service_quotas import quotas, reason
from shardyard.handlers.watching.job_events.index import compose
from tests.support.recorded import FOLDER, facts
from training.data.channel import resolve
from training.launcher.inputs import read_contract
from training.launcher.program import Program
from training.launcher.sm_variables import sm_variables
from yard.account.quotas import values_and_codes
from yard.errors import Exit, explain
from yard.runs.view import _PHASES

ROOT = Path(__file__).parents[3]
SECONDS = ("CreationTime", "TrainingStartTime", "TrainingEndTime", "LastModifiedTime", "StartTime", "EndTime")


def in_time(job: Any) -> Any:
    """A description with its times as botocore gives them."""
    if isinstance(job, list):
        return [in_time(one) for one in job]
    if not isinstance(job, dict):
        return job
    return {
        key: datetime.fromtimestamp(value, UTC) if key in SECONDS and value is not None else in_time(value)
        for key, value in job.items()
    }


def answered(code: str, message: str, operation: str = "Call") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def reads_reasons(fact: Mapping[str, Any]) -> None:
    job = {"TrainingJobStatus": "Failed", "SecondaryStatus": "Failed", "FailureReason": fact["value"]}
    failure = read_job(job)
    assert failure.kind is Kind[fact["means"]]
    assert failure.message.startswith(fact["value"]), "an exit code has its meaning behind it"
    # the same inside the cause of a `.sync` task
    assert job_in_cause(json.dumps(job)) == job


def reads_calls(fact: Mapping[str, Any]) -> None:
    failure = read_call(fact["value"]["error"], fact["value"]["cause"])
    assert failure.kind is Kind[fact["means"]]
    assert not failure.message.startswith("{"), "people read a sentence"
    assert job_in_cause(fact["value"]["cause"]) is None


def reads_throttling(fact: Mapping[str, Any]) -> None:
    for code in fact["value"]:
        for said in (code, f"{code}Exception", "States.TaskFailed"):
            cause = f"Rate is too high (Service: AmazonSageMaker; Status Code: 400; Error Code: {code}; Request ID: a)"
            assert read_call(said, cause).kind is Kind.THROTTLED, code


def reads_endings(fact: Mapping[str, Any]) -> None:
    job = in_time(fact["value"])
    vain = read_vain_wait(job, now=9999.0, give_up_seconds=None)
    assert (read_job(job) if vain is None else vain).kind is Kind[fact["means"]]


def waits(fact: Mapping[str, Any]) -> None:
    job = in_time(fact["value"])
    assert (waited_seconds(job, 9999.0) > 0) is bool(job.get("EnableManagedSpotTraining"))


def accounts(fact: Mapping[str, Any]) -> None:
    resources = {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
    job = {"TrainingJobName": "a", "ResourceConfig": resources, **in_time(fact["value"])}
    line = account(job, {"hourly_usd": {"ml.g5.xlarge": 1.0}})
    assert line["status"] == job["TrainingJobStatus"] and line["cost_usd"] >= 0


def reads_searches(fact: Mapping[str, Any]) -> None:
    found = outcome_of(fact["value"], unfound=None)
    assert (found.error, bool(found.cause)) == (fact["means"], bool(fact["means"]))
    assert (None if found.best is None else found.best.training_job) == fact.get("best")


def composes(fact: Mapping[str, Any]) -> None:
    message = compose(fact["value"])
    assert (message is None) is (fact["says"] is None)
    if message is not None:
        [name] = [value for field, value in fact["value"].items() if field.endswith("JobName")]
        assert f"{name} {fact['says']}" in message.text


class Told:
    """A topic that keeps what it is told, and a service without training jobs."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def __call__(self, service: str) -> "Told":
        return self

    def publish(self, *, Message: str, **_: str) -> None:
        self.messages.append(Message)

    def list_training_jobs(self, **_: Any) -> dict[str, Any]:
        return {"TrainingJobSummaries": []}


def tells(fact: Mapping[str, Any]) -> None:
    told = Told()
    assert clean_up(fact["value"], told) == []
    tell(fact["value"], told, topic_arn="topic", machines="state-")
    assert len(told.messages) == (0 if fact["says"] is None else 1)
    assert all(fact["says"] in message and "run " in message for message in told.messages)


def written(tmp_path: Path, name: str, value: Any) -> dict[str, str]:
    config = tmp_path / "input" / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / name).write_text(json.dumps(value))
    return {BASE_VARIABLE: str(tmp_path)}


def reads_hosts(fact: Mapping[str, Any], tmp_path: Path) -> None:
    environ = written(tmp_path, "resourceconfig.json", fact["value"])
    contract = read_contract(environ)
    hosts = fact["value"]["hosts"]
    assert sorted(contract.hosts) == sorted(hosts)
    assert [int(host.partition("-")[2]) for host in contract.hosts] == list(range(1, len(hosts) + 1))
    assert contract.hosts[contract.host_rank] == fact["value"]["current_host"]
    interface = fact["value"]["network_interface_name"]
    variables = sm_variables(
        contract, Program(kind="script", target="train.py", arguments=()), interface=interface, gpus=0, cpus=1
    )
    assert json.loads(variables["SM_HOSTS"]) == list(contract.hosts)
    assert variables["SM_CURRENT_INSTANCE_TYPE"] == fact["value"].get("current_instance_type", "local")


def reads_files(fact: Mapping[str, Any], tmp_path: Path) -> None:
    environ = written(tmp_path, fact["file"], fact["value"])
    contract = read_contract(environ)
    if fact["file"] == "inputdataconfig.json":
        assert set(contract.channels) == set(fact["value"])
        for name, settings in fact["value"].items():
            channel = resolve(name, environ)
            assert (channel.mode, channel.distribution) == (
                settings["TrainingInputMode"],
                settings["S3DistributionType"],
            )
        return
    assert not [name for name in contract.hyperparameters if name.startswith("sagemaker_")]
    both = {**contract.hyperparameters, **contract.framework_parameters}
    assert both.keys() == fact["value"].keys()
    assert not [value for value in both.values() if isinstance(value, str) and value.startswith('"')]


class Pages:
    """A quota service that lists what was recorded."""

    def __init__(self, found: list[dict[str, Any]]) -> None:
        self._found = found

    def get_paginator(self, operation: str) -> "Pages":
        return self

    def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
        yield {"Quotas": self._found}

    def client(self, service: str) -> "Pages":
        return self


def lists_quotas(fact: Mapping[str, Any]) -> None:
    known = "ErrorReason" not in fact["value"]
    quota = {"ServiceCode": "sagemaker", "Adjustable": True, **({"Value": 4.0} if known else {}), **fact["value"]}
    found = {one.name: one.code for one in quotas(Pages([quota]), "sagemaker")}
    values, codes = values_and_codes(Pages([quota]))
    assert (fact["value"]["QuotaName"] in found) is (fact["value"]["QuotaName"] in values) is known
    assert codes.items() >= found.items()


def explains(fact: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    said, means = fact["value"], fact["means"]
    error = answered(said["code"], said["message"], said["operation"])
    monkeypatch.setattr("yard.errors._who", lambda: "the role in use")
    told = explain(error)
    assert told is not None and told.code is Exit.FIX
    wanted = {"sign in": "aws sso login", "denied": "Ask for permission"}.get(means, "")
    assert wanted in told.fix
    if means not in ("sign in", "denied"):
        assert said["code"] in told.happened
    assert aws.error_code(error) == said["code"]
    assert said["operation"] in reason(error) or said["code"] in reason(error)


def describes(fact: Mapping[str, Any]) -> None:
    said = fact["value"]
    error = answered(said["code"], said["message"], said["operation"])

    class Service:
        def describe_training_job(self, **_: str) -> None:
            raise error

    if fact["means"] == "not there":
        assert aws.describe_job(Service(), "a") is None
    else:
        with pytest.raises(ClientError):
            aws.describe_job(Service(), "a")


READERS: dict[str, tuple[Callable[..., None], str]] = {
    "why a job failed": (reads_reasons, "failure_reasons"),
    "why a job was not created": (reads_calls, "call_errors"),
    "that a call was too frequent": (reads_throttling, "throttling_codes"),
    "how a job ended": (reads_endings, "described_jobs"),
    "how long it waited": (waits, "described_jobs"),
    "what it cost": (accounts, "described_jobs"),
    "how a search ended": (reads_searches, "described_searches"),
    "a job's event": (composes, "training_events"),
    "an execution's event": (tells, "execution_events"),
    "the nodes of a job": (reads_hosts, "resource_configs"),
    "a container's files": (reads_files, "container_files"),
    "quotas": (lists_quotas, "quotas"),
    "an error for people": (explains, "error_codes"),
    "whether a job is there": (describes, "error_codes"),
}
CASES = [
    pytest.param(reader, fact, id=f"{name}, {fact.get('name', number)}")
    for name, (reader, file) in READERS.items()
    for number, fact in enumerate(facts(file))
]


@pytest.mark.parametrize(("reader", "fact"), CASES)
def test_every_reader_reads_what_was_recorded(
    reader: Callable[..., None], fact: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"tmp_path": tmp_path, "monkeypatch": monkeypatch}
    wanted = reader.__annotations__.keys() & given.keys()
    reader(fact, **{name: given[name] for name in wanted})


def test_every_fact_has_a_source_and_a_date() -> None:
    """And a reader: the fields of events are for the embedded cloud, which writes them (test_announced.py)."""
    files = sorted(path.stem for path in FOLDER.glob("*.json"))
    assert files == sorted({file for _, file in READERS.values()} | {"event_fields"})
    for file in files:
        for fact in facts(file):
            assert len(fact["source"]) > 10 and re.fullmatch(r"20\d\d(-\d\d){0,2}", fact["date"]), (file, fact)


MARKS = re.compile(
    r'"(TrainingJobStatus|SecondaryStatus|FailureReason|SecondaryStatusTransitions|QuotaCode|detail)"'
    r'|(resourceconfig|inputdataconfig|hyperparameters)\.json|response\["Error"\]|"Error", \{\}|\.status_field'
)
"""What a file of ours writes that reads what AWS wrote."""
READ_HERE = {
    "constructs/shardyard/handlers/aws.py",
    "constructs/shardyard/handlers/launch/classify/failures.py",
    "constructs/shardyard/handlers/launch/described.py",
    "constructs/shardyard/handlers/launch/janitor/index.py",
    "constructs/shardyard/handlers/launch/receipt/attempts.py",
    "constructs/shardyard/handlers/launch/search/outcome.py",
    "constructs/shardyard/handlers/launch/spot_wait.py",
    "constructs/shardyard/handlers/service_quotas.py",
    "constructs/shardyard/handlers/watching/job_events/index.py",
    "training/data/channel.py",
    "training/launcher/inputs.py",
    "yard/account/quotas.py",
    "yard/errors.py",
}
"""Files whose readers are in the table above."""
ASKS_ONE_THING = {
    "constructs/shardyard/handlers/images/finish_build/index.py": "compares a status with five of the model's",
    "constructs/shardyard/handlers/launch/classify/index.py": "hands a job and a cause to failures.py",
    "constructs/shardyard/handlers/launch/classify/search.py": "hands a search to outcome.py",
    "constructs/shardyard/handlers/launch/preflight/owner_cap.py": "compares a status with two of the model's",
    "constructs/shardyard/handlers/launch/preflight/previous.py": "compares a status with two of the model's",
    "constructs/shardyard/handlers/launch/preflight/search/parents.py": "compares a status with two of the model's",
    "constructs/shardyard/handlers/launch/receipt/automl.py": "compares a status with one of the model's",
    "constructs/shardyard/handlers/launch/receipt/index.py": "compares a status with one of the model's",
    "constructs/shardyard/handlers/launch/receipt/ran.py": "shows a status as it is",
    "constructs/shardyard/handlers/launch/search/first_trials.py": "compares two statuses with the model's",
    "constructs/shardyard/handlers/launch/submit/index.py": "hands a status on, and a job to spot_wait.py",
    "constructs/shardyard/handlers/resources/empty_bucket/index.py": "compares a code with two of S3's",
    "constructs/shardyard/handlers/resources/quota/index.py": "compares a code with one of the model's",
    "constructs/shardyard/handlers/watching/watchdog/index.py": "compares a status with one of the model's",
    "training/builtin/job.py": "asks each channel for its content type, and the hyperparameters for their texts",
    "training/launcher/processing/run.py": "asks for the hosts and this one's name",
    "training/processing/job.py": "asks for the hosts and this one's name",
    "training/spark/cluster.py": "asks for the hosts, this one's name and the instances' type and number",
    "training/vault.py": "compares a code with three of the model's, and says every other as it is",
    "yard/account/doctor.py": "compares a code with one of the model's",
    "yard/account/secrets.py": "compares a code with one of the model's",
    "yard/account/spending.py": "compares a status with three of the model's",
    "yard/commands/upkeep.py": "compares a code with one of the model's",
    "yard/commands/watch.py": "shows a status and a reason as they are",
    "yard/ec2/template.py": "writes these files for a container, and reads none",
    "yard/images.py": "compares a code with one of the model's",
    "yard/launches/launching.py": "compares a status with one of the model's",
    "yard/runs/about.py": "compares a code with three of S3's",
    "yard/runs/artifacts.py": "compares a status with one of the model's",
    "yard/runs/beginnings.py": "compares a code with two of the model's",
    "yard/runs/audit.py": "shows a status as it is",
    "yard/runs/comparison.py": "hands a status on to runs.py, and shows the seconds that were billed as they are",
    "yard/runs/logs.py": "compares a code with one of the model's",
    "yard/runs/runs.py": "compares a code with four of the models'",
    "yard/runs/visits.py": "compares a status with one of the model's",
    "yard/runs/view.py": "names the phases, which a test below holds against the model",
    "yard/runs/jobs.py": "hands a status and a reason on, under the names that a training job has",
    "yard/serving/deploying.py": "shows statuses and reasons, and tells failures of stacks by _FAILED",
    "yard/serving/endpoints.py": "shows statuses as they are, and compares a code with one of the model's",
    "yard/serving/invoking.py": "compares a code with two of S3's",
    "yard/serving/load.py": "compares a code with one of the model's",
    "yard/sources.py": "compares a code with three of S3's",
    "yard/tuning/searches.py": "shows a status as it is",
    "yard/tuning/trials.py": "shows statuses as they are",
}


def test_whatever_reads_what_aws_writes_is_in_the_table() -> None:
    rooms = ("constructs/shardyard/handlers", "contract", "training", "yard")
    found = {
        str(path.relative_to(ROOT))
        for room in rooms
        for path in (ROOT / room).rglob("*.py")
        if MARKS.search(path.read_text(encoding="utf-8"))
    }
    assert found - READ_HERE - ASKS_ONE_THING.keys() == set(), "give it recorded facts, or say what little it asks"
    assert (READ_HERE | ASKS_ONE_THING.keys()) - found == set()


def test_every_phase_that_a_job_can_be_in_has_a_name() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker").shape_for("SecondaryStatus")
    ended = {"Completed", "Failed", "Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded"}
    assert set(model.enum) - ended - set(_PHASES) == set()
