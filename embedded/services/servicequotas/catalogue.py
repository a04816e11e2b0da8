"""The quotas of SageMaker that this cloud knows: their names, their codes and what a new account has of them.

The names are the service's own. Codes are opaque on AWS and cannot be computed; the few that are public are real
here, all others are made from the name, so look a code up by its name and never write one down. Default values:

- 20 of every instance type, in training, spot training, processing and transform jobs, endpoints and notebooks,
- 0 of the large accelerators (p4d, p4de, p5, p5e, p5en, p6, trn and inf), of cluster nodes and of warm pools: what a
  new account has on AWS.

A new account on AWS has 0 of most GPU types; here they start at 20 so that the shipped jobs run at once.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from moto.core.utils import get_service_model

SERVICE = "sagemaker"
SERVICE_NAME = "Amazon SageMaker"
USAGES: Mapping[str, str] = {
    "TrainingInstanceType": "{type} for training job usage",
    "TrainingInstanceType/spot": "{type} for spot training job usage",
    "TrainingInstanceType/warm": "{type} for training warm pool usage",
    "InstanceType": "{type} for notebook instance usage",
    "ProductionVariantInstanceType": "{type} for endpoint usage",
    "ProcessingInstanceType": "{type} for processing job usage",
    "TransformInstanceType": "{type} for transform job usage",
    "ClusterInstanceType": "{type} for cluster usage",
}
"""The names of quotas by the botocore list whose instance types they are made for."""
KNOWN_CODES: Mapping[str, str] = {
    "ml.p4d.24xlarge for training job usage": "L-09B4A649",
    "ml.p4d.24xlarge for spot training job usage": "L-09D56C4F",
    "ml.g4dn.xlarge for training job usage": "L-3F53BF0F",
    "ml.g4dn.xlarge for processing job usage": "L-2F1EB012",
    "ml.g4dn.xlarge for transform job usage": "L-4C5C5CA8",
    "ml.g6.4xlarge for training job usage": "L-07B51BA0",
    "ml.g6.4xlarge for spot training job usage": "L-03304C28",
    "ml.g4dn.2xlarge for spot training job usage": "L-0496610F",
    "ml.g5.12xlarge for spot training job usage": "L-03E19172",
    "ml.g6e.48xlarge for training job usage": "L-0DA2E7B0",
    "ml.c7i.48xlarge for training job usage": "L-01589929",
    "Number of instances across all training jobs": "L-00C91CB5",
}
"""The codes that are public, checked against several sources; all others here are invented."""
GENERAL: Mapping[str, float] = {
    "Number of instances across all training jobs": 100,
    "Number of instances across all spot training jobs": 100,
    "Number of instances for a training job": 50,
    "Maximum number of instances per training job": 20,
    "Maximum number of instances per spot training job": 20,
    "Number of instances across all processing jobs": 100,
    "Number of instances for a processing job": 20,
    "Number of instances across all transform jobs": 100,
    "Number of instances for a transform job": 20,
    "Longest run time for a training job": 432_000,
    "Longest run time for a processing job": 432_000,
    "Total number of notebook instances": 20,
    "Number of instances across active endpoints": 100,
    "Number of parallel hyperparameter tuning jobs": 100,
    "Number of parallel training jobs per hyperparameter tuning job": 10,
    "Number of training jobs per hyperparameter tuning job": 750,
}
"""Quotas that are not about one instance type."""
_NONE_AT_FIRST = re.compile(r"^ml\.(p4d|p4de|p5|p5e|p5en|p6\S*?|trn\w*|inf\w*)[.-]")
_PLENTY = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """One quota as AWS describes it."""

    code: str
    """`L-` and eight hexadecimal digits."""
    name: str
    """The name that people and deployments go by."""
    default: float
    """What a new account has."""


def _code(name: str) -> str:
    return KNOWN_CODES.get(name, "L-" + hashlib.sha256(name.encode()).hexdigest()[:8].upper())


def _default(name: str) -> float:
    if "warm pool" in name or "cluster" in name or _NONE_AT_FIRST.match(name):
        return 0.0
    return _PLENTY


@cache
def quotas() -> Mapping[str, Quota]:
    """Every quota by its code."""
    model = get_service_model("sagemaker")
    named = dict(GENERAL)
    for shape, usage in USAGES.items():
        for instance_type in model.shape_for(shape.partition("/")[0]).enum:
            name = usage.format(type=instance_type if instance_type.startswith("ml.") else f"ml.{instance_type}")
            named[name] = _default(name)
    found = [Quota(code=_code(name), name=name, default=default) for name, default in sorted(named.items())]
    return {quota.code: quota for quota in found}


@cache
def by_name() -> Mapping[str, Quota]:
    """Every quota by its name."""
    return {quota.name: quota for quota in quotas().values()}
