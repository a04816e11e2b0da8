"""SageMaker's notebook instances, their lifecycle configurations and code repositories.

moto has no code repositories and drops half of the fields of a notebook instance. No notebook runs here, but every
field can be read back, and the service's rules on states and names are enforced.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.utilities.utils import get_partition

from embedded.access import references
from embedded.kept import parts
from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.sagemaker import checks, execution_role
from embedded.services.sagemaker.tags import Tags, taggable

_SERVICE = "sagemaker"
_HIDDEN = frozenset({"Tags"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of resource."""

    word: str
    """How ARNs name it: notebook-instance."""

    noun: str
    """How operations and fields name it: NotebookInstance."""

    @property
    def name_field(self) -> str:
        return f"{self.noun}Name"

    @property
    def arn_field(self) -> str:
        return f"{self.noun}Arn"


@dataclass(kw_only=True, slots=True)
class Kept:
    """One resource, with the fields that its description has."""

    kind: Kind
    arn: str
    fields: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)


REPOSITORY = Kind(word="code-repository", noun="CodeRepository")
INSTANCE = Kind(word="notebook-instance", noun="NotebookInstance")
LIFECYCLE = Kind(word="notebook-instance-lifecycle-config", noun="NotebookInstanceLifecycleConfig")

_kept: dict[str, Kept] = {}
parts.keep_contents("sagemaker.notebooks", _kept)


def _arn(call: Call, kind: Kind, name: str) -> str:
    partition = get_partition(call.region)
    return f"arn:{partition}:sagemaker:{call.region}:{call.account}:{kind.word}/{name}"


def _refuse(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _find(call: Call, kind: Kind, name: str) -> Kept:
    found = _kept.get(_arn(call, kind, name))
    if found is None:
        raise _refuse("RecordNotFound" if kind is INSTANCE else f"Cannot find {kind.noun}: {_arn(call, kind, name)}")
    return found


def _create(call: Call, kind: Kind, params: Params, **more: Any) -> Kept:
    name = params[kind.name_field]
    arn = _arn(call, kind, name)
    if arn in _kept:
        raise _refuse(f"Cannot create a duplicate {kind.noun} ({arn})")
    now = datetime.now(UTC)
    fields = {key: value for key, value in params.items() if key not in _HIDDEN}
    fields |= {kind.arn_field: arn, "CreationTime": now, "LastModifiedTime": now, **more}
    made = Kept(kind=kind, arn=arn, fields=fields, tags={tag["Key"]: tag["Value"] for tag in params.get("Tags", ())})
    _kept[arn] = made
    return made


def _all(call: Call, kind: Kind) -> list[dict[str, Any]]:
    start = _arn(call, kind, "")
    return [item.fields for arn, item in sorted(_kept.items()) if arn.startswith(start)]


def _touch(item: Kept, changes: Mapping[str, Any]) -> None:
    item.fields.update(changes, LastModifiedTime=datetime.now(UTC))


@operation(_SERVICE, "CreateCodeRepository")
def create_code_repository(call: Call, params: Params) -> dict[str, Any]:
    return {"CodeRepositoryArn": _create(call, REPOSITORY, params).arn}


@operation(_SERVICE, "DescribeCodeRepository")
def describe_code_repository(call: Call, params: Params) -> dict[str, Any]:
    return _find(call, REPOSITORY, params["CodeRepositoryName"]).fields


@operation(_SERVICE, "UpdateCodeRepository")
def update_code_repository(call: Call, params: Params) -> dict[str, Any]:
    """Only the GitConfig can be changed."""
    item = _find(call, REPOSITORY, params["CodeRepositoryName"])
    _touch(item, {"GitConfig": item.fields["GitConfig"] | params.get("GitConfig", {})})
    return {"CodeRepositoryArn": item.arn}


@operation(_SERVICE, "DeleteCodeRepository")
def delete_code_repository(call: Call, params: Params) -> dict[str, Any]:
    del _kept[_find(call, REPOSITORY, params["CodeRepositoryName"]).arn]
    return {}


@operation(_SERVICE, "ListCodeRepositories")
def list_code_repositories(call: Call, params: Params) -> dict[str, Any]:
    return {"CodeRepositorySummaryList": _all(call, REPOSITORY)}


@operation(_SERVICE, "CreateNotebookInstanceLifecycleConfig")
def create_lifecycle_config(call: Call, params: Params) -> dict[str, Any]:
    return {LIFECYCLE.arn_field: _create(call, LIFECYCLE, params).arn}


@operation(_SERVICE, "DescribeNotebookInstanceLifecycleConfig")
def describe_lifecycle_config(call: Call, params: Params) -> dict[str, Any]:
    return _find(call, LIFECYCLE, params[LIFECYCLE.name_field]).fields


@operation(_SERVICE, "UpdateNotebookInstanceLifecycleConfig")
def update_lifecycle_config(call: Call, params: Params) -> dict[str, Any]:
    changes = {key: value for key, value in params.items() if key in ("OnCreate", "OnStart")}
    _touch(_find(call, LIFECYCLE, params[LIFECYCLE.name_field]), changes)
    return {}


@operation(_SERVICE, "DeleteNotebookInstanceLifecycleConfig")
def delete_lifecycle_config(call: Call, params: Params) -> dict[str, Any]:
    """A configuration that a notebook instance uses cannot be deleted."""
    name = params[LIFECYCLE.name_field]
    item = _find(call, LIFECYCLE, name)
    users = [fields for fields in _all(call, INSTANCE) if fields.get(LIFECYCLE.name_field) == name]
    if users:
        raise _refuse(f"Unable to delete {item.arn}: it is used by {users[0]['NotebookInstanceName']}")
    del _kept[item.arn]
    return {}


@operation(_SERVICE, "ListNotebookInstanceLifecycleConfigs")
def list_lifecycle_configs(call: Call, params: Params) -> dict[str, Any]:
    return {"NotebookInstanceLifecycleConfigs": _all(call, LIFECYCLE)}


def _instance_fields(params: Params) -> dict[str, Any]:
    """The request's fields, under the names that the description has for them."""
    renamed = {"LifecycleConfigName": LIFECYCLE.name_field, "SecurityGroupIds": "SecurityGroups"}
    return {renamed.get(key, key): value for key, value in params.items() if not key.startswith("Disassociate")}


def _check_instance(call: Call, params: Params) -> None:
    if params.get("RoleArn"):
        execution_role.check(params["RoleArn"], call.region)
    checks.check_network(
        call, [params["SubnetId"]] if params.get("SubnetId") else [], params.get("SecurityGroupIds", [])
    )
    if params.get("KmsKeyId") and not references.exists(call, "key", params["KmsKeyId"]):
        raise _refuse(f"Invalid KMS key: {params['KmsKeyId']} does not exist")
    if params.get("LifecycleConfigName"):
        _find(call, LIFECYCLE, params["LifecycleConfigName"])
    for repository in (params.get("DefaultCodeRepository"), *params.get("AdditionalCodeRepositories", ())):
        if repository and not repository.startswith("https://"):
            _find(call, REPOSITORY, repository)
    if params.get("DirectInternetAccess") == "Disabled" and not params.get("SubnetId"):
        raise _refuse("DirectInternetAccess can be disabled only for a notebook instance in a subnet of yours")


@operation(_SERVICE, "CreateNotebookInstance")
def create_notebook_instance(call: Call, params: Params) -> dict[str, Any]:
    """The instance is InService at once: nothing has to start."""
    _check_instance(call, params)
    defaults = {"DirectInternetAccess": "Enabled", "RootAccess": "Enabled", "VolumeSizeInGB": 5}
    name = params["NotebookInstanceName"]
    made = _create(
        call,
        INSTANCE,
        defaults | _instance_fields(params),
        NotebookInstanceStatus="InService",
        Url=f"{name}.notebook.{call.region}.sagemaker.aws",
    )
    return {"NotebookInstanceArn": made.arn}


@operation(_SERVICE, "DescribeNotebookInstance")
def describe_notebook_instance(call: Call, params: Params) -> dict[str, Any]:
    return _find(call, INSTANCE, params["NotebookInstanceName"]).fields


@operation(_SERVICE, "ListNotebookInstances")
def list_notebook_instances(call: Call, params: Params) -> dict[str, Any]:
    part = params.get("NameContains", "")
    wanted = params.get("StatusEquals")
    found = [
        item
        for item in _all(call, INSTANCE)
        if part in item["NotebookInstanceName"] and wanted in (None, item["NotebookInstanceStatus"])
    ]
    return {"NotebookInstances": found}


def _require(item: Kept, *states: str) -> None:
    status = item.fields["NotebookInstanceStatus"]
    if status not in states:
        raise _refuse(
            f"Status ({status}) not in ([{', '.join(states)}]). Unable to transition to ({status}) for "
            f"Notebook Instance ({item.arn})"
        )


@operation(_SERVICE, "UpdateNotebookInstance")
def update_notebook_instance(call: Call, params: Params) -> dict[str, Any]:
    """Only a stopped instance can be changed."""
    item = _find(call, INSTANCE, params["NotebookInstanceName"])
    _require(item, "Stopped", "Failed")
    _check_instance(call, params)
    removed = {
        "DisassociateLifecycleConfig": LIFECYCLE.name_field,
        "DisassociateDefaultCodeRepository": "DefaultCodeRepository",
        "DisassociateAdditionalCodeRepositories": "AdditionalCodeRepositories",
    }
    for flag, name in removed.items():
        if params.get(flag):
            item.fields.pop(name, None)
    _touch(item, _instance_fields(params))
    return {}


@operation(_SERVICE, "StartNotebookInstance")
def start_notebook_instance(call: Call, params: Params) -> dict[str, Any]:
    item = _find(call, INSTANCE, params["NotebookInstanceName"])
    _require(item, "Stopped", "Failed")
    _touch(item, {"NotebookInstanceStatus": "InService"})
    return {}


@operation(_SERVICE, "StopNotebookInstance")
def stop_notebook_instance(call: Call, params: Params) -> dict[str, Any]:
    item = _find(call, INSTANCE, params["NotebookInstanceName"])
    _require(item, "InService")
    _touch(item, {"NotebookInstanceStatus": "Stopped"})
    return {}


@operation(_SERVICE, "DeleteNotebookInstance")
def delete_notebook_instance(call: Call, params: Params) -> dict[str, Any]:
    """Only a stopped instance can be deleted."""
    item = _find(call, INSTANCE, params["NotebookInstanceName"])
    _require(item, "Stopped", "Failed")
    del _kept[item.arn]
    return {}


@taggable
def _tags_of(call: Call, arn: str) -> Tags | None:
    kept = _kept.get(arn)
    return None if kept is None else _KeptTags(kept)


class _KeptTags(Tags):
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def read(self) -> dict[str, str]:
        return dict(self._kept.tags)

    def write(self, tags: dict[str, str]) -> None:
        self._kept.tags = tags
