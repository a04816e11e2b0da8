"""Runs in .venv-sdk: a person's own ModelTrainer script. Source code and torchrun by the SDK, our image by its address.

`python own_job.py IMAGE ROLE COUNT BUCKET`
"""

import logging
import sys
from pathlib import Path

from sagemaker.core.helper.session_helper import Session
from sagemaker.core.training.configs import Compute, OutputDataConfig, SourceCode
from sagemaker.train import ModelTrainer
from sagemaker.train.distributed import Torchrun

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
image, role, count, bucket = sys.argv[1:]
trainer = ModelTrainer(
    training_image=image,
    role=role,
    base_job_name=f"own-{count}",
    # without a bucket of its own the session asks STS at its public address, whatever AWS_ENDPOINT_URL says
    sagemaker_session=Session(default_bucket=bucket),
    source_code=SourceCode(source_dir=str(Path(__file__).parent / "own_code"), entry_script="train.py"),
    compute=Compute(instance_type="ml.c5.xlarge", instance_count=int(count), volume_size_in_gb=5),
    distributed=Torchrun(),
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/own/"),
)
trainer.train(wait=True, logs=True)
