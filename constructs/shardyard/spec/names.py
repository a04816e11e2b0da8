"""The names of deployed things: what the stacks write and what `yard` looks for, said once.

Things that people read in the console get these names. Buckets and keys do not: a bucket's name is taken for the
whole world, so one that can be guessed can be squatted; they are found through their stack's outputs.
"""

RUN_TIME_CHANGES = "shardyard:ChangesAtRunTime"
"""The key in a resource's Metadata under which a template says which properties something of ours changes later."""


def stack_name(project: str, stage: str, part: str) -> str:
    """The CloudFormation stack of one part: `storage`, `network`, `training`, ..."""
    return f"{project}-{stage}-{part}"


def repository_name(project: str, stage: str, folder: str) -> str:
    """The image repository of one folder in containers/."""
    return f"{project}-{stage}/{folder}"


def state_machine_name(project: str, stage: str, job: str) -> str:
    """The state machine that launches one job."""
    return f"{project}-{stage}-{job}"


def function_name(project: str, stage: str, handler: str) -> str:
    """The Lambda function that runs one handler."""
    return f"{project}-{stage}-{handler}"


def topic_name(project: str, stage: str) -> str:
    """The topic on which everything that a person should know is published."""
    return f"{project}-{stage}-alerts"


def run_prefix(run_id: str) -> str:
    """Where a run's model, receipt and outputs lie in the artifact bucket."""
    return f"runs/{run_id}/"


def training_job_name(job: str, run_id: str, attempt: int) -> str:
    """The SageMaker training job of one attempt; a name too long is cut in the part that is not unique, the job's."""
    unique = f"-{run_id}-{attempt}"
    return f"{job[: 63 - len(unique)]}{unique}"


def receipt_key(run_id: str) -> str:
    """Where a run's receipt lies in the artifact bucket."""
    return f"{run_prefix(run_id)}receipt.json"


def checkpoint_prefix(job: str, run_id: str) -> str:
    """Where a logical run's checkpoints lie in the artifact bucket: the same for every attempt and every resume."""
    return f"checkpoints/{job}/{run_id}/"


def source_key(sha256: str) -> str:
    """Where a bundle of user code lies in the artifact bucket."""
    return f"source/{sha256}.zip"


def job_role_path(project: str, stage: str) -> str:
    """The path of the jobs' execution roles, by which they are told from all others."""
    return f"/{project}-{stage}/jobs/"


def dashboard_name(project: str, stage: str) -> str:
    """The dashboard over all training jobs."""
    return f"{project}-{stage}"


def rule_name(project: str, stage: str, rule: str) -> str:
    """An EventBridge rule: `training-events`, `watchdog`, `sweep`."""
    return f"{project}-{stage}-{rule}"


QUOTA_CODES_KEY = "quotas/training-codes.json"
"""Where the map from quota name to quota code lies in the artifact bucket; written at deploy, read by preflight."""

METRICS_NAMESPACE = "Shardyard"
"""The CloudWatch namespace of the metrics that our own handlers publish (dimensions: Project, Stage, and others)."""

OTHER_FAILURES_METRIC = "FailuresOutsideLaunches"
"""Counts failed training jobs of the project that no state machine launched: each machine has an alarm of its own."""


def model_package_group_name(project: str, stage: str, job: str, group: str | None) -> str:
    """The group in the Model Registry that a job's models go into; by default one of its own."""
    return f"{project}-{stage}-{job}" if group is None else group
