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


_SEARCH = "_search"
"""No job's name has such a line."""


def search_machine_name(machine: str) -> str:
    """The state machine of a job's search, by its own; no job's name has an underscore."""
    return f"{machine}{_SEARCH}"


def launched_by(machine: str) -> tuple[str, bool]:
    """The job that a state machine launches, by what follows the prefix in its name, and whether it searches."""
    return machine.removesuffix(_SEARCH), machine.endswith(_SEARCH)


SERVING = "serving"
"""What the parts of endpoints begin with."""


ENDPOINT_METADATA = "shardyard:endpoint"
"""The key in the Metadata of an endpoint's template under which its definition stands."""


STACK_TAG = "shardyard:stack"
"""The tag of an endpoint that names the stack which owns it: whatever else deleted it would break that stack."""


def serving_part(endpoint: str) -> str:
    """The part of the project, and so the stack, of one endpoint."""
    return f"{SERVING}-{endpoint}"


def endpoint_name(project: str, stage: str, endpoint: str) -> str:
    """The SageMaker endpoint of one file in endpoints/."""
    return f"{project}-{stage}-{endpoint}"


def endpoint_role_path(project: str, stage: str) -> str:
    """The path of the endpoints' execution roles, which sets them apart from all others."""
    return f"/{project}-{stage}/endpoints/"


def model_key(endpoint: str, sha256: str) -> str:
    """Where a model of the project's own files lies in the artifact bucket."""
    return f"models/{endpoint}/{sha256}/model.tar.gz"


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


def job_noun(kind: str) -> str:
    """What people call a job of a kind."""
    return f"{'AutoML' if kind == 'automl' else kind} job"


def training_job_name(job: str, run_id: str, attempt: int, longest: int = 63) -> str:
    """The SageMaker job of one attempt; a long name is cut in the job's part, which need not be unique."""
    unique = f"-{run_id}-{attempt}"
    return f"{job[: longest - len(unique)]}{unique}"


def model_name(job: str, run_id: str) -> str:
    """The SageMaker Model of a run that transforms, for all its attempts; cut like a job's name."""
    return f"{job[: 62 - len(run_id)]}-{run_id}"


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


def difference_key(run_id: str) -> str:
    """Where it lies what differed from the commit that a run was launched from."""
    return f"{run_prefix(run_id)}source.diff"


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
    """An EventBridge rule: `job-events`, `watchdog`, `sweep`."""
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
