"""What a processing container finds: its command, its environment, its folders and files under /opt/ml."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded.nodes.folder_sync import on_node
from embedded.services.sagemaker.processing.job import ProcessingJob

FOLDERS = ("config", "output", "processing")


class ProcessingContainer:
    """The container contract of one processing job."""

    def __init__(self, job: ProcessingJob) -> None:
        self._job = job
        self._app: Mapping[str, Any] = job.request["AppSpecification"]

    @property
    def image(self) -> str:
        """The ImageUri."""
        return str(self._app["ImageUri"])

    @property
    def entrypoint(self) -> Sequence[str] | None:
        """The ContainerEntrypoint; None for the image's own."""
        return self._app.get("ContainerEntrypoint")

    @property
    def arguments(self) -> Sequence[str] | None:
        """The ContainerArguments; None for the image's own, which only its own entrypoint gets."""
        return self._app.get("ContainerArguments")

    def write(self, ml: Path, hosts: Sequence[str], host: str, interface: str) -> None:
        """Write one node's folders and configuration files; the folders of outputs are there before the program."""
        for folder in FOLDERS:
            (ml / folder).mkdir(parents=True, exist_ok=True)
        for output in self._job.outputs:
            on_node(ml, output.local_path).mkdir(parents=True, exist_ok=True)
        (ml / "config" / "processingjobconfig.json").write_text(json.dumps(processing_job_config(self._job)))
        # in the order of letters, as in a training container: algo-10 before algo-2
        resources = {"current_host": host, "hosts": sorted(hosts)}
        (ml / "config" / "resourceconfig.json").write_text(json.dumps(resources))

    def environment(self, endpoint: str | None, credentials: Mapping[str, str]) -> dict[str, str]:
        """The container's environment; the job's own variables win over the platform's."""
        variables = {"AWS_REGION": self._job.region, "AWS_DEFAULT_REGION": self._job.region}
        if endpoint is not None:
            variables |= {"AWS_ENDPOINT_URL": endpoint, **credentials}
        own: dict[str, str] = self._job.request.get("Environment", {})
        return variables | own


def processing_job_config(job: ProcessingJob) -> dict[str, Any]:
    """processingjobconfig.json: the request, with null and with the service's defaults for what it leaves out."""
    request, app, cluster = job.request, job.request["AppSpecification"], job.cluster
    config = request.get("ProcessingOutputConfig", {})
    instances = job.instances()
    return {
        "ProcessingJobArn": job.arn,
        "ProcessingJobName": job.name,
        "AppSpecification": {
            "ImageUri": app["ImageUri"],
            "ContainerEntrypoint": app.get("ContainerEntrypoint"),
            "ContainerArguments": app.get("ContainerArguments"),
        },
        "Environment": request.get("Environment", {}),
        "ProcessingInputs": [_input(entry) for entry in request.get("ProcessingInputs", [])],
        "ProcessingOutputConfig": {"Outputs": list(config.get("Outputs", [])), "KmsKeyId": config.get("KmsKeyId")},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": len(instances),
                "InstanceType": instances[0][0],
                "VolumeSizeInGB": cluster["VolumeSizeInGB"],
                "VolumeKmsKeyId": cluster.get("VolumeKmsKeyId"),
            }
        },
        "RoleArn": job.role_arn,
        "StoppingCondition": {"MaxRuntimeInSeconds": job.runtime_seconds},
    }


def _input(entry: Mapping[str, Any]) -> dict[str, Any]:
    if "S3Input" not in entry:
        return dict(entry)
    defaults = {
        "S3DataDistributionType": "FullyReplicated",
        "S3InputMode": "File",
        "S3CompressionType": "None",
        "S3DownloadMode": "StartOfJob",
    }
    return {**entry, "S3Input": defaults | entry["S3Input"]}
