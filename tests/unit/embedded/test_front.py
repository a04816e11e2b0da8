"""How the front reads requests: what a service has registered of itself decides."""

import io
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from moto.core.request import Request

from embedded import clients, front, loading, operations, protocol, traits

Sent = list[tuple[dict[str, Any], bytes]]


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    loading.load()
    clients.serve_at("http://localhost:1", secret="of this test")


def environ(request: AWSRequest) -> dict[str, Any]:
    """A signed request of botocore's as WSGI has it."""
    from werkzeug.test import EnvironBuilder

    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    parts = urlsplit(request.url)
    builder = EnvironBuilder(
        method=request.method,
        base_url=f"http://{parts.netloc}",
        path=parts.path,
        headers=headers,
        data=request.body,
    )
    # as a server has them; the builder leaves out what has no value, and a signature covers `?cors`
    raw = {"QUERY_STRING": parts.query, "REQUEST_URI": f"{parts.path}?{parts.query}"}
    return builder.get_environ() | raw


def sent(service: str, call: Callable[[Any], Any]) -> dict[str, Any]:
    """What a client would send to the front."""
    client = boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url="http://localhost:1",
        aws_access_key_id="test",
        aws_secret_access_key="of this test",
    )
    requests: list[dict[str, Any]] = []

    def hold(request: AWSRequest, **_: Any) -> None:
        requests.append(environ(request))
        raise InterruptedError

    client.meta.events.register("before-send", hold)
    with pytest.raises(InterruptedError):
        call(client)
    (request,) = requests
    return request


def ask(service: str, call: Callable[[Any], Any]) -> tuple[dict[str, Any], list[str]]:
    """Send what a client would send to the front; the parameters of the operation, and how often it was parsed."""
    request = sent(service, call)
    parses: list[str] = []
    given: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        parse = protocol.parse

        def counted(*arguments: Any, **options: Any) -> Any:
            parses.append(arguments[1])
            return parse(*arguments, **options)

        def answer(call: operations.Call, params: operations.Params) -> dict[str, Any]:
            given.update(params)
            return {}

        patch.setattr(protocol, "parse", counted)
        patch.setattr(front, "find_operation", lambda *_: answer)
        list(front.Front(None)(request, lambda *_: None))
    return given, parses


def test_a_request_to_an_ordinary_service_is_parsed_once() -> None:
    given, parses = ask("ssm", lambda client: client.put_parameter(Name="a", Value="b", Type="String"))
    assert given == {"Name": "a", "Value": "b", "Type": "String"}
    assert parses == ["ssm"]


def test_a_request_to_a_streamed_service_is_parsed_again_with_its_body() -> None:
    rules = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    given, parses = ask("s3", lambda client: client.put_bucket_cors(Bucket="a", CORSConfiguration=rules))
    assert given["CORSConfiguration"] == rules
    assert parses == ["s3", "s3"]


@pytest.fixture
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Traits with no service in them."""
    for name in ("_traits", "_turns", "_by_path", "_by_signing_name"):
        monkeypatch.setattr(traits, name, {})
    yield


@pytest.mark.usefixtures("nothing_known")
def test_a_signature_names_its_service_by_what_the_services_have_registered() -> None:
    traits.describe("stepfunctions", signing_name="states")

    @traits.told_apart("sagemaker")
    def by_path(path: str) -> str:
        return "sagemaker-runtime" if path.startswith("/endpoints/") else "sagemaker"

    assert traits.service_of("states", "/") == "stepfunctions"
    assert traits.service_of("sns", "/") == "sns"
    assert traits.service_of("sagemaker", "/endpoints/a/invocations") == "sagemaker-runtime"
    assert traits.service_of("sagemaker", "/") == "sagemaker"


@pytest.mark.usefixtures("nothing_known")
def test_only_a_service_that_asked_for_it_is_answered_one_at_a_time() -> None:
    traits.describe("kms", one_at_a_time=True)
    entered = threading.Event()

    def enter() -> None:
        with traits.turn("kms"):
            entered.set()

    other = threading.Thread(target=enter)
    with traits.turn("kms"):
        other.start()
        assert not entered.wait(0.05)
        with traits.turn("sns"), traits.turn("sns"), traits.turn(None):
            pass
    other.join()
    assert entered.is_set()


def test_a_path_that_is_known_is_understood_with_its_own_parameters() -> None:
    def invoke(name: str, **fields: Any) -> dict[str, Any]:
        request = Request(
            {
                "REQUEST_METHOD": "POST",
                "RAW_URI": f"/endpoints/{name}/invocations",
                "PATH_INFO": f"/endpoints/{name}/invocations",
                "wsgi.input": io.BytesIO(b"body"),
                "CONTENT_LENGTH": "4",
                **fields,
            }
        )
        parsed = protocol.parse(request, "sagemaker-runtime")
        assert parsed is not None and parsed.operation == "InvokeEndpoint"
        return dict(parsed.params)

    first = invoke("one", HTTP_X_AMZN_SAGEMAKER_TARGET_VARIANT="main")
    first["EndpointName"] = "changed by whoever got it"
    assert invoke("one") == {"EndpointName": "one", "Body": b"body"}
    assert invoke("two")["EndpointName"] == "two"


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("freetier", lambda client: client.get_account_plan_state(), "NotImplemented"),
        ("ssm", lambda client: client.get_parameter(Name="a"), "InternalFailure"),
    ],
)
def test_a_service_that_moto_lacks_is_told_apart_from_one_that_breaks(
    service: str, call: Callable[[Any], Any], code: str
) -> None:
    def breaks(*_: Any) -> None:
        raise AttributeError("'NoneType' object has no attribute 'replace'")

    told: list[str] = []
    body = b"".join(front.Front(breaks)(sent(service, call), lambda status, *_: told.append(status)))
    assert told[0].startswith("501") and code.encode() in body
