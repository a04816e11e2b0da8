"""The service map: each SageMaker topic, whether it is still available, what replaces it, and what serves it here.

Dated data. Asking for what AWS has retired is an error that names the replacement.
`scripts/pages/services.py` writes docs/reference/service-map.md from this table.
"""

from dataclasses import dataclass
from typing import Literal

from shardyard.spec.errors import nearest

READ_ON = "2026-11-20"
"""The date of the states below."""

State = Literal["available", "closed to new customers", "maintenance only", "retired"]
PLANNED = "planned"
PRESENT = "botocore 1.44.5 and the CloudFormation schemas of cfn-lint 1.58: present, no notice found"
"""The source for a topic without an announced change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """One topic of the SageMaker map."""

    key: str
    """The name that a setting would use."""
    title: str
    state: State = "available"
    since: str = ""
    """When that state began, as the source words it."""
    instead: str = ""
    """What to use in its place."""
    served_by: str = PLANNED
    """The module or module.Class here, or "planned", or "none" with the reason."""
    source: str = PRESENT
    """The source of the state."""


_NOTICE = "AWS documentation, availability change notice"
_SECOND_HAND = "notice quoted second-hand, not read at AWS"

SERVICES: tuple[Service, ...] = (
    # Where people write code
    Service(key="notebook-instances", title="Notebook instances", served_by="shardyard.workspaces.notebooks.Notebook"),
    Service(
        key="lifecycle-configurations", title="Lifecycle configurations", served_by="shardyard.workspaces.notebooks"
    ),
    Service(
        key="code-repositories", title="Git repositories for notebooks", served_by="shardyard.workspaces.notebooks"
    ),
    Service(key="studio", title="Studio domains, user profiles and spaces"),
    Service(
        key="studio-classic",
        title="Studio Classic",
        state="maintenance only",
        instead="studio: existing apps can be stopped and deleted, no new ones",
        served_by="none: it cannot be created any more",
        source=_NOTICE,
    ),
    Service(
        key="studio-lab",
        title="Studio Lab",
        state="closed to new customers",
        instead="notebook-instances or studio",
        served_by="none: it is not part of an AWS account",
        source=_SECOND_HAND,
    ),
    Service(key="canvas", title="Canvas"),
    Service(
        key="data-wrangler",
        title="Data Wrangler",
        instead="reached through canvas",
        source=_SECOND_HAND,
    ),
    # Data
    Service(key="processing", title="Processing jobs", served_by="shardyard.jobs.processing_job.ProcessingJob"),
    Service(key="feature-store", title="Feature Store"),
    Service(
        key="ground-truth",
        title="Ground Truth labelling",
        state="closed to new customers",
        since="2026",
        instead="a labelling tool of your own that writes an augmented manifest, which training channels read",
        served_by="none",
        source=_SECOND_HAND,
    ),
    Service(
        key="ground-truth-plus",
        title="Ground Truth Plus",
        state="retired",
        since="2026",
        instead="a labelling provider that writes an augmented manifest",
        served_by="none",
        source=_SECOND_HAND,
    ),
    Service(
        key="augmented-ai",
        title="Augmented AI (human review)",
        state="closed to new customers",
        since="2026",
        instead="a review step of your own behind Step Functions",
        served_by="none",
        source=_SECOND_HAND,
    ),
    Service(
        key="geospatial",
        title="Geospatial",
        state="closed to new customers",
        since="2026",
        instead="processing with an image of your own",
        served_by="none",
        source=_SECOND_HAND,
    ),
    # Training
    Service(key="training", title="Training jobs", served_by="shardyard.jobs.training_job.TrainingJob"),
    Service(key="managed-spot", title="Managed spot training", served_by="shardyard.jobs.training_job.TrainingJob"),
    Service(key="warm-pools", title="Warm pools", served_by="shardyard.jobs.training_job.TrainingJob"),
    Service(
        key="heterogeneous-clusters",
        title="Heterogeneous clusters",
        served_by="shardyard.jobs.training_job.TrainingJob",
    ),
    Service(key="training-plans", title="Training plans", served_by="shardyard.jobs.training_job.TrainingJob"),
    Service(
        key="hyperparameter-tuning",
        title="Hyperparameter tuning",
        served_by="shardyard.jobs.tuning.tuning_job.TuningJob",
    ),
    Service(
        key="automl",
        title="AutoML (Autopilot)",
        instead="its own screens are now inside canvas",
        served_by="shardyard.jobs.automl.automl_job.AutoMLJob",
    ),
    Service(key="hyperpod", title="HyperPod clusters"),
    Service(
        key="smddp",
        title="SageMaker distributed data parallel (PyTorch)",
        state="maintenance only",
        since="2024-10",
        instead="nccl; smddp stays an optional backend where its library is in the image",
        served_by="training.pytorch.process_group",
        source="release notes up to 2.5.0 (2024-10); no later one found",
    ),
    Service(
        key="smddp-tensorflow",
        title="SageMaker distributed data parallel (TensorFlow)",
        state="retired",
        since="TensorFlow 2.12",
        instead="tf.distribute.MultiWorkerMirroredStrategy",
        served_by="none",
        source=_NOTICE,
    ),
    Service(
        key="smp",
        title="SageMaker model parallel v2",
        instead="fully_shard, tensor and pipeline parallelism of PyTorch itself",
        served_by="training.pytorch.parallel.plan",
    ),
    Service(
        key="training-compiler",
        title="Training Compiler",
        state="maintenance only",
        instead="torch.compile",
        served_by="training.pytorch.parallel.plan",
        source=_NOTICE,
    ),
    Service(
        key="debugger",
        title="Debugger",
        state="closed to new customers",
        since="2026-07-30",
        instead="the watchdog's low-use and silence alarms, TensorBoard, and the framework's own profilers",
        served_by="shardyard.observability.job_watch",
        source=_NOTICE,
    ),
    Service(
        key="profiler",
        title="Profiler",
        state="maintenance only",
        since="support ends 2027-06-30",
        instead="the framework's own profilers",
        served_by="none",
        source=_NOTICE,
    ),
    Service(
        key="experiments",
        title="Experiments Classic",
        state="maintenance only",
        instead="mlflow, or the receipts of our own runs: yard compare",
        served_by="yard.commands.results.reports",
        source=_NOTICE,
    ),
    Service(key="mlflow", title="Managed MLflow", served_by="training.reporting.mlflow_run"),
    Service(key="tensorboard", title="TensorBoard output", served_by="shardyard.jobs.training_job.TrainingJob"),
    Service(key="rl-containers", title="Reinforcement learning images", instead="an image of your own"),
    # Models and endpoints
    Service(key="model-registry", title="Model Registry", served_by="shardyard.jobs.training_job.TrainingJob"),
    Service(key="model-cards", title="Model cards"),
    Service(key="real-time-endpoints", title="Real-time endpoints"),
    Service(key="serverless-endpoints", title="Serverless endpoints"),
    Service(key="asynchronous-endpoints", title="Asynchronous endpoints"),
    Service(key="multi-model-endpoints", title="Multi-model endpoints"),
    Service(key="inference-components", title="Inference components"),
    Service(key="batch-transform", title="Batch transform", served_by="shardyard.jobs.transform_job.TransformJob"),
    Service(key="inference-recommender", title="Inference Recommender"),
    Service(key="shadow-tests", title="Inference experiments (shadow tests)"),
    Service(
        key="elastic-inference",
        title="Elastic Inference",
        state="retired",
        since="2024",
        instead="a smaller GPU (ml.g4dn, ml.g5), Inferentia, or serverless-endpoints",
        served_by="none",
        source="botocore 1.44.5: AcceleratorTypes is documented as no longer available",
    ),
    Service(
        key="edge-manager",
        title="Edge Manager (devices and device fleets)",
        state="retired",
        since="2024-04-26",
        instead="ONNX or ExecuTorch with AWS IoT Greengrass",
        served_by="none",
        source="AWS IoT Greengrass documentation; CloudFormation still lists its types",
    ),
    Service(key="neo", title="Neo compilation"),
    # Operations
    Service(key="pipelines", title="SageMaker Pipelines"),
    Service(key="projects", title="Projects"),
    Service(
        key="model-monitor",
        title="Model Monitor",
        state="closed to new customers",
        since="2026-07-30",
        instead="a drift job of your own on processing",
        source=_NOTICE,
    ),
    Service(
        key="clarify",
        title="Clarify",
        state="closed to new customers",
        since="2026-07",
        instead="processing with shap, reported to mlflow",
        source=_SECOND_HAND,
    ),
    Service(
        key="role-manager",
        title="Role Manager",
        state="closed to new customers",
        since="2026",
        instead="the roles of this project",
        served_by="shardyard.foundation.identity",
        source=_SECOND_HAND,
    ),
    Service(key="quotas", title="Service quotas", served_by="shardyard.foundation.quotas.ServiceQuotas"),
    # Images and model hubs
    Service(key="jumpstart", title="JumpStart"),
    Service(
        key="framework-containers", title="AWS Deep Learning Containers", served_by="shardyard.spec.catalogue.images"
    ),
    Service(key="partner-apps", title="Partner apps"),
)

BY_KEY = {service.key: service for service in SERVICES}


def refusal(key: str) -> str | None:
    """One sentence on why a service is not available and what to use instead; None if it is available."""
    service = BY_KEY.get(key)
    if service is None:
        return f"{key!r} is not on the service map; {nearest(key, list(BY_KEY))}"
    if service.state == "available":
        return None
    since = f" ({service.since})" if service.since else ""
    return f"{service.title} is {service.state}{since}; use {service.instead}"
