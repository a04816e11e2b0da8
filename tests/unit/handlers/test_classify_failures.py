"""Each known spelling of why an attempt ended, as seen in the services' answers."""

import json

import pytest

from shardyard.handlers.launch.classify.failures import Kind, in_words, job_in_cause, read_call, read_job

LIMIT = (
    "The account-level service limit 'ml.g5.2xlarge for training job usage' is 2 Instances, with current utilization "
    "of 2 Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an increase for this "
    "quota. If AWS Service Quotas is not available, contact AWS support to request an increase for this quota."
)
OLD_LIMIT = (
    "The account-level service limit 'ml.p3.2xlarge for training job usage' is 0 Instances, with current utilization "
    "of 0 Instances and a request delta of 1 Instances. Please contact AWS support to request an increase for this "
    "limit. (Service: AmazonSageMaker; Status Code: 400; Error Code: ResourceLimitExceeded; Request ID: 1a2b; "
    "Proxy: null)"
)

REASONS = [
    (
        "CapacityError: Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
        "Please retry using a different ML instance type or after some time.",
        Kind.CAPACITY,
    ),
    ("CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance "
     "type.", Kind.CAPACITY),
    ("CapacityError: Unable to provision requested ML compute capacity", Kind.CAPACITY),
    ("InsufficientCapacityError: There is not enough capacity for ml.p5.48xlarge", Kind.CAPACITY),
    ("There is not enough capacity for instance type ml.g6.2xlarge. Please try again later.", Kind.CAPACITY),
    ("Insufficient instance capacity in the requested Availability Zone.", Kind.CAPACITY),
    ("ResourceLimitExceeded: " + LIMIT, Kind.LIMIT),
    ("InternalServerError: We encountered an internal error. Please try again.", Kind.INTERNAL),
    ("InternalServerError: We encountered an internal error.  Please try again.", Kind.INTERNAL),
    ("We encountered an internal error. Please try again.", Kind.INTERNAL),
    ("AlgorithmError: Exit Code: 1", Kind.ALGORITHM),
    ("AlgorithmError: , exit code: 139", Kind.ALGORITHM),
    ('AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "raise EnvironmentError(msg)\n"',
     Kind.ALGORITHM),
    ("AlgorithmError: rank 1: RuntimeError: CUDA out of memory, exit code: 1", Kind.ALGORITHM),
    ("AlgorithmError: the log said CapacityError: Unable to provision, exit code: 1", Kind.ALGORITHM),
    ("AlgorithmError: exit codes [3]", Kind.ALGORITHM),
    ("AlgorithmError: interrupted, checkpoint saved at step 40, exit code: 75", Kind.INTERRUPTED),
    ("AlgorithmError: Exit Code: 75", Kind.INTERRUPTED),
    ("AlgorithmError: gpt: error: shard_size is missing: the plan hsdp needs it, exit code: 78", Kind.REFUSED),
    ("AlgorithmError: the loss is nan at step 5: the program saved and ended, exit code: 79", Kind.GUARDED),
    ("AlgorithmError: rank 0 saw exit code: 75 of its child, exit code: 1", Kind.ALGORITHM),
    ("ClientError: Data download failed:NoSuchKey (404): The specified key does not exist.", Kind.REJECTED),
    ("Something that nobody has documented", Kind.REJECTED),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "kind"), REASONS)
def test_failure_reason(reason: str, kind: Kind) -> None:
    job = {"TrainingJobStatus": "Failed", "SecondaryStatus": "Failed", "FailureReason": reason}
    failure = read_job(job)
    assert (failure.kind, failure.ran) == (kind, True)
    assert failure.message == in_words(reason)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (137, "SIGKILL: ended from outside without a word, most often for memory, or with its machine"),
        (139, "SIGSEGV: a fault in native code"),
    ],
)
def test_a_reason_without_a_word_gets_some(code: int, meaning: str) -> None:
    job = {"TrainingJobStatus": "Failed", "FailureReason": f"AlgorithmError: , exit code: {code}"}
    assert read_job(job).message == f"AlgorithmError: , exit code: {code} ({meaning})"
    said = f"AlgorithmError: rank 0 was killed by SIGKILL, exit code: {code}"
    assert read_job({**job, "FailureReason": said}).message == said


@pytest.mark.parametrize(
    ("secondary", "kind"),
    [
        ("Stopped", Kind.STOPPED),
        ("MaxRuntimeExceeded", Kind.OUT_OF_TIME),
        ("MaxWaitTimeExceeded", Kind.OUT_OF_TIME),
    ],
)
def test_stopped_job(secondary: str, kind: Kind) -> None:
    job = {"TrainingJobStatus": "Stopped", "SecondaryStatus": secondary}
    assert read_job(job).kind is kind


CALLS = [
    ("SageMaker.ResourceLimitExceededException", OLD_LIMIT, Kind.LIMIT),
    ("SageMaker.ResourceLimitExceeded", LIMIT, Kind.LIMIT),
    ("SageMaker.AmazonSageMakerException", OLD_LIMIT, Kind.LIMIT),
    ("ResourceLimitExceeded", json.dumps({
        "errorMessage": f"An error occurred (ResourceLimitExceeded) when calling CreateTrainingJob: {LIMIT}",
        "errorType": "ResourceLimitExceeded"}), Kind.LIMIT),
    ("SageMaker.AmazonSageMakerException",
     "Rate exceeded (Service: AmazonSageMaker; Status Code: 400; Error Code: ThrottlingException; Request ID: 1)",
     Kind.THROTTLED),
    ("ThrottlingException", "Rate exceeded", Kind.THROTTLED),
    ("SageMaker.AmazonSageMakerException",
     "null (Service: AmazonSageMaker; Status Code: 500; Error Code: InternalFailure; Request ID: 1)", Kind.INTERNAL),
    ("SageMaker.AmazonSageMakerException",
     "1 validation error detected: Value '0' at 'resourceConfig.instanceCount' failed to satisfy constraint "
     "(Service: AmazonSageMaker; Status Code: 400; Error Code: ValidationException; Request ID: 1)", Kind.REJECTED),
    ("SageMaker.AmazonSageMakerException",
     "User is not authorized to perform: sagemaker:CreateTrainingJob (Service: AmazonSageMaker; Status Code: 400; "
     "Error Code: AccessDeniedException; Request ID: 1)", Kind.REJECTED),
]  # fmt: skip


@pytest.mark.parametrize(("error", "cause", "kind"), CALLS)
def test_create_call(error: str, cause: str, kind: Kind) -> None:
    failure = read_call(error, cause)
    assert (failure.kind, failure.ran) == (kind, False)


def test_a_functions_error_gives_its_own_sentence() -> None:
    failure = read_call(
        "ResourceLimitExceeded", json.dumps({"errorMessage": "full", "errorType": "X", "stackTrace": []})
    )
    assert failure.message == "X: full"


def test_the_description_in_a_sync_cause_is_read() -> None:
    job = {"TrainingJobName": "a", "TrainingJobStatus": "Failed", "FailureReason": "CapacityError: none"}
    assert job_in_cause(json.dumps(job)) == job
    assert job_in_cause('{"Training') is None  # Step Functions cuts a cause after 32,768 letters
    assert job_in_cause('{"errorMessage": "x"}') is None
