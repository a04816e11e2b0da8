"""Write constructs/shardyard/spec/catalogue/data/hosting.json: where endpoints can be, on what, and for how much.

Run with `python -m scripts.make_hosting`. Types are those of botocore's ProductionVariantInstanceType, regions those
whose CloudFormation schemas (as cfn-lint ships them) know the type; prices are a hand table, each with its source.
"""

import json
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import botocore.session

TARGET = Path(__file__).parent.parent / "constructs/shardyard/spec/catalogue/data/hosting.json"
DATE = "2026-11-30"

FEATURES = {
    "endpoint": "AWS::SageMaker::Endpoint",
    "scaling": "AWS::ApplicationAutoScaling::ScalableTarget",
    "inference components": "AWS::SageMaker::InferenceComponent",
}
_OTHERS = ("us-iso", "eu-isoe", "eusc-")
"""Partitions that this project does not know."""

PRICES: dict[str, Any] = {
    "date": "2026-09-01",
    "region": "us-east-1",
    "instances": {
        "source": "AWS Price List API, usage type USE1-Host, read on 2026-07-30, as recorded in public code",
        "hourly_usd": {"ml.m5.large": 0.115},
    },
    "serverless": {
        "source": "AWS Price List API, usage type USE1-ServerlessInf:Mem-3GB, effective 2026-09-01, 0.00006 USD a "
        "second, as recorded in public code; the other sizes by their memory",
        "gigabyte_second_usd": 0.00002,
    },
}


CONTAINERS: dict[str, Any] = {
    "source": "aws/sagemaker-python-sdk, sagemaker-core image_uri_config/pytorch.json and tensorflow.json, scope "
    "inference, commit a24812666d258d9d19c9a82d0c9385ca0bd3ba01",
    "images": {
        "pytorch": {
            "2.5": {"repository": "pytorch-inference", "cpu": "2.5.1-cpu-py311", "gpu": "2.5.1-gpu-py311"},
            "2.6": {"repository": "pytorch-inference", "cpu": "2.6.0-cpu-py312", "gpu": "2.6.0-gpu-py312"},
        },
        "tensorflow": {
            "2.18": {"repository": "tensorflow-inference", "cpu": "2.18.0-cpu", "gpu": "2.18.0-gpu"},
            "2.19": {"repository": "tensorflow-inference", "cpu": "2.19.0-cpu", "gpu": "2.19.0-gpu"},
        },
    },
}
"""AWS's own containers for inference. Those of the newest PyTorch are listed there for training alone."""


def main() -> None:
    """Write the file."""
    providers = files("cfnlint").joinpath("data/schemas/providers")
    schemas = {
        path.name.removesuffix(".json"): json.loads(path.read_text(encoding="utf-8"))
        for path in providers.iterdir()
        if path.name.endswith(".json") and path.name != "sam.json" and not path.name.startswith(_OTHERS)
    }
    model = botocore.session.get_session().get_service_model("sagemaker")
    found = {
        "date": DATE,
        "sources": [
            f"botocore {version('botocore')}, ProductionVariantInstanceType",
            f"CloudFormation's schemas by region, as cfn-lint {version('cfn-lint')} ships them",
        ],
        "types": list(model.shape_for("ProductionVariantInstanceType").enum),
        "regions": {
            feature: sorted(region for region, types in schemas.items() if of in types)
            for feature, of in FEATURES.items()
        },
        "containers": CONTAINERS,
        "prices": PRICES,
    }
    TARGET.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
