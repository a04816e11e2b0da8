"""The names of deployed resources, which the stacks write and `yard` looks for.

Resources that people look for in the console get these names. Buckets and keys do not: bucket names are global, so
one that can be guessed can be squatted; their stack's outputs lead to them.
"""

from urllib.parse import quote

RUN_TIME_CHANGES = "shardyard:ChangesAtRunTime"
"""The key in a resource's Metadata that lists the properties which a Shardyard function changes later."""


def prefix(project: str, stage: str) -> str:
    """The beginning of every name."""
    return f"{project}-{stage}"


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


def launch_policy_name(project: str, stage: str) -> str:
    """The policy of people who launch jobs, before its region: permission sets of several accounts find it by name."""
    return f"{project}-{stage}-launch"


def topic_name(project: str, stage: str) -> str:
    """The topic of all notifications."""
    return f"{project}-{stage}-alerts"


def run_prefix(run_id: str) -> str:
    """Where a run's model, receipt and outputs lie in the artifact bucket."""
    return f"runs/{run_id}/"


def training_job_name(job: str, run_id: str, attempt: int) -> str:
    """The SageMaker training job of one attempt; a long name is cut in the job's part, which need not be unique."""
    unique = f"-{run_id}-{attempt}"
    return f"{job[: 63 - len(unique)]}{unique}"


def receipt_key(run_id: str) -> str:
    """Where a run's receipt lies in the artifact bucket."""
    return f"{run_prefix(run_id)}receipt.json"


LEDGER = "ledger"
"""Where launches are entered in the artifact bucket, while owners have a monthly cap."""


def ledger_prefix(month: str) -> str:
    """A month's entries; `month` as 202611."""
    return f"{LEDGER}/{month}/"


def ledger_key(month: str, owner: str, run_id: str, attempt: int) -> str:
    """The entry of one launch: of a run, from this attempt on."""
    return f"{ledger_prefix(month)}{quote(owner, safe='')}/{run_id}-{attempt}.json"


def about_key(run_id: str) -> str:
    """Where a run's name, tags and notes lie in the artifact bucket."""
    return f"{run_prefix(run_id)}about.json"


def checkpoint_prefix(job: str, run_id: str) -> str:
    """Where a logical run's checkpoints lie in the artifact bucket, the same for every attempt and resume."""
    return f"checkpoints/{job}/{run_id}/"


def source_key(sha256: str) -> str:
    """Where a bundle of user code lies in the artifact bucket."""
    return f"source/{sha256}.zip"


def job_role_path(project: str, stage: str) -> str:
    """The path of the jobs' execution roles, which sets them apart from all others."""
    return f"/{project}-{stage}/jobs/"


def dashboard_name(project: str, stage: str, region: str) -> str:
    """The dashboard over all training jobs; dashboards are global, so another region's needs another name."""
    return f"{project}-{stage}-{region}"


def rule_name(project: str, stage: str, rule: str) -> str:
    """An EventBridge rule: `training-events`, `watchdog`, `sweep`."""
    return f"{project}-{stage}-{rule}"


QUOTA_CODES_KEY = "quotas/training-codes.json"
"""Where the map from quota name to quota code lies in the artifact bucket; written at deploy, read by preflight."""

METRICS_NAMESPACE = "Shardyard"
"""The CloudWatch namespace of the metrics that Shardyard's functions publish (dimensions: Project, Stage, ...)."""

OTHER_FAILURES_METRIC = "FailuresOutsideLaunches"
"""Counts failed training jobs of the project that no state machine launched: each machine has its own alarm."""


def model_package_group_name(project: str, stage: str, job: str, group: str | None) -> str:
    """The Model Registry group of a job's models; by default one of its own."""
    return f"{project}-{stage}-{job}" if group is None else group
