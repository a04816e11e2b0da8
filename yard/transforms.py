"""What `yard transform try` asks: a job's plan, an object of this machine, a model's container."""

import gzip
import http.client
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.transform.plan import DEFAULT_PAYLOAD_MB, Plan
from yard.aws import Aws
from yard.errors import UserError

_SHOWN = 500
_START_SECONDS = 240.0
"""How long a container may take to become ready, as on AWS."""
Invoke = Callable[[bytes], bytes]


def plan_of(spec: TransformSpec) -> Plan:
    """How the job treats its objects."""
    payload = spec.batching.max_payload_mb
    return Plan(
        split=spec.input.split,
        strategy=spec.batching.strategy or "MultiRecord",
        payload_mb=DEFAULT_PAYLOAD_MB if payload is None else payload,
        assemble=spec.output.assemble_with,
        content_type=spec.input.content_type,
        accept=spec.output.accept or "",
        input_filter=spec.data_processing.input_filter,
        join=spec.data_processing.join,
        output_filter=spec.data_processing.output_filter,
    )


def read_object(file: Path, compression: str) -> bytes:
    """The file as the job would read it."""
    try:
        content = file.read_bytes()
        return gzip.decompress(content) if compression == "Gzip" else content
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise UserError(f"{file} is no gzip file, which the job's input says it is.", "Pack it: gzip FILE") from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.", "Name a file of this machine.") from None


def at_url(url: str, content_type: str, accept: str | None, *, seconds: float) -> Invoke:
    """A container that runs, by its address."""

    def invoke(body: bytes) -> bytes:
        headers = {"Content-Type": content_type} | ({} if accept is None else {"Accept": accept})
        try:
            request = urllib.request.Request(f"{url.rstrip('/')}/invocations", data=body, headers=headers)
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                found: bytes = answer.read()
                return found
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:_SHOWN]
            raise UserError(f"The container refused the record with {error.code}: {said}") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise UserError(f"{url} does not answer: {error}.", "Start the container, and give its address.") from None

    return invoke


@contextmanager
def started(spec: TransformSpec, root: Path, model: Path, *, seconds: float) -> Iterator[Invoke]:
    """The job's own image with a model, as a process of this machine for as long as it is asked."""
    from yard.containers import clauses, running

    if spec.image.folder is None:
        raise UserError(
            f"The image of {spec.name} is no folder of containers/, so it cannot be started here.",
            "Start it, and give its address: --url http://localhost:8080",
        )
    if not model.is_dir():
        raise UserError(f"There is no folder {model}.", "Bring a run's model: yard model get RUN")
    with running.run(spec.image.folder, root, model, spec.environment) as container:
        well = clauses.starts(container, _START_SECONDS)
        if not well.is_kept:
            raise UserError(
                f"The container of {spec.image.folder} did not become ready: {well.found}",
                "Correct the model or its code.",
            )
        url = f"http://{container.host}:{container.port}"
        yield at_url(url, spec.input.content_type, spec.output.accept, seconds=seconds)


def at_endpoint(aws: Aws, name: str, content_type: str, accept: str | None) -> Invoke:
    """An endpoint with the model: one of the project by its file's name, any other by SageMaker's."""
    from yard.serving.endpoints import all_endpoints, service_name

    own = {spec.name for spec in all_endpoints(aws.project)}
    called = service_name(aws.project, name) if name in own else name

    def invoke(body: bytes) -> bytes:
        given = {"ContentType": content_type} | ({} if accept is None else {"Accept": accept})
        answer = aws.client("sagemaker-runtime").invoke_endpoint(EndpointName=called, Body=body, **given)
        found: bytes = answer["Body"].read()
        return found

    return invoke
