"""Runs in .venv-sdk: a person's own script with the SDK's processors, unmodified.

`python processors.py KIND IMAGE ROLE COUNT BUCKET`; KIND is script, framework or spark, whose IMAGE may be aws.
"""

import logging
import sys
from pathlib import Path

from sagemaker.core.helper.session_helper import Session
from sagemaker.core.processing import FrameworkProcessor, ScriptProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.spark.processing import PySparkProcessor

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
kind, image, role, count, bucket = sys.argv[1:]
here = Path(__file__).parent / "own_processing"
data = ProcessingInput(
    input_name="data",
    s3_input=ProcessingS3Input(
        s3_uri=f"s3://{bucket}/sdk-data/",
        local_path="/opt/ml/processing/input/data",
        s3_data_type="S3Prefix",
        s3_input_mode="File",
    ),
)
result = ProcessingOutput(
    output_name="result",
    s3_output=ProcessingS3Output(
        s3_uri=f"s3://{bucket}/sdk/{kind}",
        local_path="/opt/ml/processing/output/result",
        s3_upload_mode="EndOfJob",
    ),
)
common = {
    "role": role,
    "image_uri": image,
    "instance_count": int(count),
    "instance_type": "ml.m5.large",
    "base_job_name": kind,
    # without a bucket of its own the session asks STS at its public address, whatever AWS_ENDPOINT_URL says
    "sagemaker_session": Session(default_bucket=bucket),
}
if kind == "script":
    ScriptProcessor(command=["python"], **common).run(
        code=str(here / "alone.py"), inputs=[data], outputs=[result], arguments=["--days", "7"]
    )
elif kind == "framework":
    FrameworkProcessor(**common).run(
        code="prepare.py", source_dir=str(here), inputs=[data], outputs=[result], arguments=["--days", "7"]
    )
else:
    chosen = {"framework_version": "3.5"} if image == "aws" else {"image_uri": image}
    PySparkProcessor(**{**common, "image_uri": None, **chosen}).run(
        submit_app=str(here / "count.py"),
        submit_py_files=[str(here / "helper.py")],
        inputs=[data],
        outputs=[result],
        configuration=[{"Classification": "spark-defaults", "Properties": {"spark.app.note": "noted"}}],
        spark_event_logs_s3_uri=f"s3://{bucket}/sdk/history",
    )
