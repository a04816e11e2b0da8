"""Whole searches: our machine, our handlers, and a service that searches in steps."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from shardyard.handlers.launch.classify.index import classify
from shardyard.handlers.launch.preflight.index import preflight
from shardyard.handlers.launch.receipt.index import settle_search, write_receipt
from shardyard.handlers.launch.register.index import register
from shardyard.handlers.launch.submit.index import look, submit
from shardyard.jobs.tuning.states import TUNE, search_definition
from shardyard.spec.catalogue.service_jobs import TUNING
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.requests.tuning import to_tuning_request
from tests.support.asl import Run, TaskError
from tests.support.fakes.fake_aws import STARTED, FakeAws, failure
from tests.support.launches import DEPLOYMENT, EXECUTION, preflight_event, tiny
from tests.support.spec.tuning_rule_cases import search

SEARCH = "tiny-20261121-073000-ab12"


@dataclass(kw_only=True)
class Trial:
    """What becomes of a trial; every look at the search ends one."""

    value: float | None = None
    status: str = "Completed"
    reason: str | None = None
    hyperparameters: Mapping[str, str] = field(default_factory=lambda: {"lr": "0.01"})


class FakeSearches(FakeAws):
    """SageMaker with searches; `trials` are those of the next one."""

    def __init__(self, *trials: Trial) -> None:
        super().__init__()
        self.trials: Sequence[Trial] = trials
        self.searches: dict[str, dict[str, Any]] = {}
        self.listed: dict[str, list[dict[str, Any]]] = {}
        self.refusals: list[Exception] = []
        self.ends = "Completed"
        """What the service says of a search that is through."""
        self.more: dict[str, Any] = {}
        """Fields of its description besides."""

    def __call__(self, service: str) -> Any:
        return _Tuner(self) if service == "sagemaker" else super().__call__(service)

    def advance(self, name: str) -> None:
        """One more trial ends; after the last one, or once it is stopped, so does the search."""
        search, listed = self.searches[name], self.listed[name]
        if search[TUNING.status_field] == "Stopping":
            search[TUNING.status_field] = "Stopped"
        elif search[TUNING.status_field] == "InProgress" and len(listed) < len(self.trials):
            listed.append(self._ended(name, search, self.trials[len(listed)], len(listed)))
        elif search[TUNING.status_field] == "InProgress":
            search[TUNING.status_field] = self.ends
        _count(search, listed)
        search |= self.more

    def _ended(self, search: str, described: Mapping[str, Any], trial: Trial, number: int) -> dict[str, Any]:
        name = f"{search}-{number + 1:03}-0123abcd"
        definition = described.get("TrainingJobDefinition") or described["TrainingJobDefinitions"][0]
        started = STARTED + timedelta(seconds=600 * number)
        summary: dict[str, Any] = {
            "TrainingJobName": name,
            "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}",
            "CreationTime": started,
            "TrainingStartTime": started,
            "TrainingEndTime": started + timedelta(seconds=600),
            "TrainingJobStatus": trial.status,
            "TunedHyperParameters": dict(trial.hyperparameters),
            "ObjectiveStatus": "Failed" if trial.value is None else "Succeeded",
        }
        if "DefinitionName" in definition:
            summary["TrainingJobDefinitionName"] = definition["DefinitionName"]
        if trial.reason is not None:
            summary["FailureReason"] = trial.reason
        if trial.value is not None:
            metric = {"MetricName": "validation_loss", "Value": trial.value}
            summary["FinalHyperParameterTuningJobObjectiveMetric"] = metric
        self.jobs[name] = {
            **{key: value for key, value in definition.items() if key != "StaticHyperParameters"},
            "HyperParameters": {**definition["StaticHyperParameters"], **trial.hyperparameters},
            **{key: summary[key] for key in ("TrainingJobName", "TrainingJobArn", "TrainingJobStatus")},
            "SecondaryStatus": trial.status,
            "ResourceConfig": definition.get("ResourceConfig", {"InstanceType": "ml.g6.xlarge", "InstanceCount": 1}),
            "OutputDataConfig": definition["OutputDataConfig"],
            "ModelArtifacts": {
                "S3ModelArtifacts": f"{definition['OutputDataConfig']['S3OutputPath']}{name}/output/model.tar.gz"
            },
            "TrainingTimeInSeconds": 600,
            "BillableTimeInSeconds": 200 if definition.get("EnableManagedSpotTraining") else 600,
            "FinalMetricDataList": [] if trial.value is None else [{"MetricName": "accuracy", "Value": 0.9}],
        }
        return summary


def _count(search: dict[str, Any], listed: Sequence[Mapping[str, Any]]) -> None:
    succeeded = [trial for trial in listed if trial["ObjectiveStatus"] == "Succeeded"]
    search["ObjectiveStatusCounters"] = {
        "Succeeded": len(succeeded),
        "Failed": len(listed) - len(succeeded),
        "Pending": 0,
    }
    search["TrainingJobStatusCounters"] = {
        "Completed": sum(trial["TrainingJobStatus"] == "Completed" for trial in listed),
        "NonRetryableError": sum(trial["TrainingJobStatus"] == "Failed" for trial in listed),
    }
    if succeeded:
        best = min(succeeded, key=lambda trial: trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])
        search["BestTrainingJob"] = best


class _Tuner:
    """SageMaker: searches of its own, and training jobs as the other fake has them."""

    def __init__(self, aws: FakeSearches) -> None:
        self._aws = aws

    def __getattr__(self, operation: str) -> Any:
        return getattr(FakeAws.__call__(self._aws, "sagemaker"), operation)

    def create_hyper_parameter_tuning_job(self, **request: Any) -> Any:
        if self._aws.refusals:
            raise self._aws.refusals.pop(0)
        service = botocore.session.get_session().get_service_model("sagemaker")
        shape = service.shape_for("CreateHyperParameterTuningJobRequest")
        assert ParamValidator().validate(request, shape).generate_report() == ""
        name = request[TUNING.name_field]
        if name in self._aws.searches:
            raise failure("ResourceInUse", "the name is taken")
        self._aws.searches[name] = {**request, TUNING.status_field: "InProgress"}
        self._aws.listed[name] = []
        return {}

    def describe_hyper_parameter_tuning_job(self, **named: str) -> Any:
        name = named[TUNING.name_field]
        if name not in self._aws.searches:
            raise failure("ResourceNotFound", "Amazon SageMaker can't find a tuning job: not found")
        return self._aws.searches[name]

    def stop_hyper_parameter_tuning_job(self, **named: str) -> Any:
        self._aws.searches[named[TUNING.name_field]][TUNING.status_field] = "Stopping"

    def list_hyper_parameter_tuning_jobs(self, **query: Any) -> Any:
        found = [
            {"HyperParameterTuningJobName": name, "HyperParameterTuningJobArn": f"arn:aws:sagemaker:::tuning/{name}"}
            for name, search in self._aws.searches.items()
            if query["NameContains"] in name and search[TUNING.status_field] == query["StatusEquals"]
        ]
        return {"HyperParameterTuningJobSummaries": found}

    def list_tags(self, *, ResourceArn: str) -> Any:
        name = ResourceArn.rpartition("/")[2]
        if name in self._aws.searches:
            return {"Tags": self._aws.searches[name]["Tags"]}
        return FakeAws.__call__(self._aws, "sagemaker").list_tags(ResourceArn=ResourceArn)

    def list_training_jobs_for_hyper_parameter_tuning_job(self, **query: Any) -> Any:
        listed = self._aws.listed[query[TUNING.name_field]]
        begin = int(query.get("NextToken", 0))
        page = {"TrainingJobSummaries": listed[begin : begin + 2]}  # pages of two, so that every test turns them
        return {**page, **({"NextToken": str(begin + 2)} if begin + 2 < len(listed) else {})}


def tuned(**tables: Any) -> JobSpec:
    """The small job with a search; tables of the search are laid over it."""
    job = {key: tables.pop(key) for key in list(tables) if key.startswith("job_")}
    return tiny(
        **search(**{"max_jobs": 3, **tables}), **{key.removeprefix("job_"): value for key, value in job.items()}
    )


def search_event(spec: JobSpec, given: Any = None, *, second_path: bool = True) -> dict[str, Any]:
    """What the machine of a search hands to Preflight."""
    request = to_tuning_request(spec, DEPLOYMENT, tuning_job="n", run_id="r")
    return {**preflight_event(spec, given), "fields": sorted(request), "second_path": second_path}


def run(
    spec: JobSpec, aws: FakeSearches, given: Any = None, *, retrains: Any = None, owner_cap: float | None = None
) -> Run:
    """Run the machine of a job's search; each look at the search ends one more trial."""
    now = [STARTED.timestamp()]

    def called_submit(event: Mapping[str, Any]) -> Any:
        assert event["kind"] == "tuning"
        if "name" in event:
            now[0] += 300
            aws.advance(event["name"])
            return look(event["name"], event["give_up_seconds"], aws, now[0], TUNING)
        try:
            return submit(event["request"], aws, TUNING)
        except Exception as error:
            raise TaskError(type(error).__name__, json.dumps({"errorMessage": str(error), "errorType": "E"})) from error

    def classified(event: Mapping[str, Any]) -> Any:
        answer = classify(event, aws, now[0])
        now[0] += answer["next"]["wait_seconds"]
        return answer

    def launched(parameters: Mapping[str, Any]) -> Any:
        assert parameters["StateMachineArn"] == "${Job}"
        if retrains is not None:
            retrains(parameters["Input"])
        arn = f"{EXECUTION.rpartition(':')[0]}:{parameters['Name']}"
        return {"ExecutionArn": arn, "Status": "SUCCEEDED", "Output": {}}

    tasks = {
        "${Preflight}": lambda event: preflight(event, aws, STARTED),
        "${Classify}": classified,
        "${Receipt}": lambda event: (
            settle_search(event, aws) if event.get("settles") else write_receipt(event, aws, now[0])
        ),
        "${Register}": lambda event: register(event["launch"], aws, event.get("training_job")),
        "${Submit}": called_submit,
        "states:startExecution.sync:2": launched,
        "sns:publish": aws.messages.append,
    }
    event = search_event(spec) | ({} if owner_cap is None else {"owner_cap_usd": owner_cap})
    assert spec.tuning is not None
    text = search_definition(
        job=spec.name,
        task=TUNE,
        request_fields=event["fields"],
        launch={key: event[key] for key in event if key not in ("input", "execution", "started", "second_path")},
        second_path=True,
        register=spec.tuning.register,
        tells=True,
        retrain=spec.tuning.retrain.enabled,
    )
    execution = {"Input": {} if given is None else given, "Id": EXECUTION, "StartTime": event["started"]}
    return Run(text, tasks, execution)
