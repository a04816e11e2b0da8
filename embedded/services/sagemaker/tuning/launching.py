"""How a tuning job launches its training jobs: their names, their tags, their checkpoints, and what they report to."""

import secrets
from collections.abc import Mapping

from embedded.operations import Call
from embedded.services.sagemaker.training.job import TrainingJob, TunedBy
from embedded.services.sagemaker.training.operations import launch
from embedded.services.sagemaker.tuning.definition import Definition
from embedded.services.sagemaker.tuning.job import TuningJob
from embedded.weather.tuning import TUNING_CHECKPOINTS


def launch_training(
    job: TuningJob, definition: Definition, values: Mapping[str, str], *, number: int, config: int
) -> TrainingJob:
    """Launch a training job; raises ServiceError where the service would refuse it."""
    name = f"{job.name}-{number + 1:03d}-{secrets.token_hex(4)}"
    request = definition.training_request(name, values, config=config)
    if job.tags:
        request["Tags"] = list(job.tags)
    checkpoints = request.get("CheckpointConfig")
    if checkpoints is not None and TUNING_CHECKPOINTS.value == TUNING_CHECKPOINTS.fair:
        request["CheckpointConfig"] = {**checkpoints, "S3Uri": f"{checkpoints['S3Uri'].rstrip('/')}/{name}"}
    call = Call(account=job.account, region=job.region, principal=job.arn)
    return launch(call, request, tuned_by=TunedBy(arn=job.arn, metric=definition.metric))
