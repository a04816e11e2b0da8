"""The ARNs that a request is about, service by service; None where the request does not tell."""

from dataclasses import dataclass
from typing import Any

from moto.kms.models import kms_backends

Params = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """The account and region that a request is in."""

    account: str
    region: str
    partition: str

    def arn(self, service: str, resource: str) -> str:
        """An ARN here."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def key_arn(key_id: str, where: Where) -> str:
    """The ARN of a key, by id, ARN or alias."""
    backend = kms_backends[where.account][where.region]
    if ":alias/" in key_id or key_id.startswith("alias/"):
        alias = key_id if key_id.startswith("alias/") else f"alias/{key_id.split(':alias/', 1)[1]}"
        found = backend.get_key_id_from_alias(alias)
        key_id = found if found else alias
    return key_id if key_id.startswith("arn:") else where.arn("kms", f"key/{key_id}")


_OTHER_NAMES = {
    "experiment-trial": "Trial",
    "experiment-trial-component": "TrialComponent",
    "automl-job": "AutoMLJob",
    "endpoint-config": "EndpointConfig",
}


def sagemaker_resources(types: tuple[str, ...], params: Params, where: Where) -> list[str] | None:
    """SageMaker names its resources alike: `TrainingJobName` is training-job/NAME."""
    if "ResourceArn" in params:
        return [params["ResourceArn"]]
    for kind in types:
        noun = _OTHER_NAMES.get(kind, "".join(word.capitalize() for word in kind.split("-")))
        for value in (params.get(f"{noun}Arn"), params.get(f"{noun}Name")):
            if value:
                return [value if value.startswith("arn:") else where.arn("sagemaker", f"{kind}/{value}")]
    return None
