"""Runs in .venv-sdk: a person's own HyperparameterTuner over a ModelTrainer.

`python own_tuner.py IMAGE ROLE BUCKET [SOURCE_DIR]`
"""

import sys

from sagemaker.core.helper.session_helper import Session
from sagemaker.core.parameter import ContinuousParameter
from sagemaker.core.training.configs import Compute, OutputDataConfig, SourceCode
from sagemaker.train import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

image, role, bucket, *source = sys.argv[1:]
trainer = ModelTrainer(
    training_image=image,
    role=role,
    base_job_name="tuned",
    # without a bucket of its own the session asks STS at its public address, whatever AWS_ENDPOINT_URL says
    sagemaker_session=Session(default_bucket=bucket),
    source_code=SourceCode(source_dir=source[0], entry_script="tuned.py") if source else None,
    compute=Compute(instance_type="ml.c5.xlarge", instance_count=1, volume_size_in_gb=5),
    hyperparameters={"epochs": 2},
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/tuned/"),
)
tuner = HyperparameterTuner(
    model_trainer=trainer,
    objective_metric_name="loss",
    objective_type="Minimize",
    metric_definitions=[{"Name": "loss", "Regex": "loss=([0-9.e-]+);"}],
    hyperparameter_ranges={"x": ContinuousParameter(0.0, 1.0)},
    strategy="Bayesian",
    max_jobs=4,
    max_parallel_jobs=2,
    # the SDK adds the minute: two searches need two names
    base_tuning_job_name="by-sdk-code" if source else "by-sdk",
)
tuner.tune(wait=True)
described = tuner.describe()
best = described.best_training_job
print("status", described.hyper_parameter_tuning_job_status)
print("best", tuner.best_training_job(), best.final_hyper_parameter_tuning_job_objective_metric.value)
print("completed", described.training_job_status_counters.completed)
