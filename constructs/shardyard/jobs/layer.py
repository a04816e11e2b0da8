"""A layer with a pinned botocore: Lambda's own is late with new request fields, which the second path exists for."""

import importlib.metadata
import importlib.util
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from contract.zips import files_of, make_zip
from shardyard.core.assets import add_file
from shardyard.core.function import RUNTIME

_DISTRIBUTIONS = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
_MODULES = ("boto3", "botocore", "jmespath", "dateutil", "s3transfer", "six", "urllib3")
_DATA = ("_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json", "sagemaker")
"""Of botocore's four hundred services, the one that is called."""
_SUFFIXES = (".py", ".json", ".gz", ".pem")
_FORMAT = "2"


def add_botocore_layer(scope: Construct, construct_id: str) -> lambda_.CfnLayerVersion:
    """The boto3 and botocore of this environment, which requirements.txt pins, with SageMaker's model alone."""
    versions = " ".join(f"{name} {importlib.metadata.version(name)}" for name in _DISTRIBUTIONS)
    # The versions say what is in it, so a synth that finds the file does not read five megabytes again
    digest = sha256(f"{_FORMAT} {versions}".encode()).hexdigest()
    bucket, key = add_file(scope, digest=digest, content=_content, display_name="botocore layer")
    return lambda_.CfnLayerVersion(
        scope,
        construct_id,
        description=versions[:256],
        content=lambda_.CfnLayerVersion.ContentProperty(s3_bucket=bucket, s3_key=key),
        compatible_runtimes=[RUNTIME],
    )


def _content() -> bytes:
    return make_zip({f"python/{name}": path.read_bytes() for name, path in _files()})


def _files() -> Iterator[tuple[str, Path]]:
    for module in _MODULES:
        found = importlib.util.find_spec(module)
        assert found is not None and found.origin is not None, module
        origin = Path(found.origin)
        if origin.name != "__init__.py":
            yield origin.name, origin
            continue
        root = origin.parent
        for top in _tops(module, root):
            for path in files_of(top) if top.is_dir() else (top,):
                if path.suffix in _SUFFIXES and not path.name.startswith("examples-"):
                    yield f"{module}/{path.relative_to(root).as_posix()}", path


def _tops(module: str, root: Path) -> Iterator[Path]:
    """The package's files and folders, and of botocore's four hundred services no more than is wanted."""
    for path in root.iterdir():
        if path.name != "data":
            yield path
        elif module == "botocore":
            yield from (path / name for name in _DATA)
