"""The embedded cloud inside the test's own process, for tests that put fake operations under its services."""

import io
import json
import os
import secrets
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

ACCOUNT = "123456789012"
REGION = "us-east-1"


@contextmanager
def running_cloud() -> Iterator[str]:
    """Serve the front with these parts of the cloud; yields the endpoint."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    from embedded import clients, front, loading
    from embedded.connections.handler import Handler

    held: dict[str, Any] = {}
    server = make_server(
        "127.0.0.1", 0, lambda environ, start: held["front"](environ, start), threaded=True, request_handler=Handler
    )
    server.daemon_threads = True
    os.environ["MOTO_PORT"] = str(server.port)
    clients.serve_at(f"http://localhost:{server.port}", secret=secrets.token_urlsafe(30))
    clients._cache.clear()
    loading.load()
    held["front"] = front.Front(DomainDispatcherApplication(create_backend_app))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield clients.endpoint()
    finally:
        server.shutdown()
        server.server_close()


class Account:
    """Short ways to make things in the default account of a running cloud."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client as the account's root."""
        from embedded import clients

        return clients.client(service, ACCOUNT, region)

    def credentials(self, region: str = REGION) -> dict[str, str]:
        """What boto3 needs for a client of one's own as the account's root."""
        from embedded import clients

        keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": clients.owner_secret()}
        return keys | {"endpoint_url": self.endpoint, "region_name": region}

    def role(self, name: str, *services: str, allow: Any = "*", resource: Any = "*") -> str:
        """A role that the services may assume, with one Allow statement."""
        iam = self.client("iam")
        principals = [f"{service}.amazonaws.com" for service in services]
        trust = [{"Effect": "Allow", "Principal": {"Service": principals}, "Action": "sts:AssumeRole"}]
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(*trust))["Role"]["Arn"]
        statement = {"Effect": "Allow", "Action": allow, "Resource": resource}
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy(statement))
        return arn

    def function(self, name: str, code: str, role: str, **settings: Any) -> str:
        """A function whose code is one file, `m.py`, with a `handler`."""
        given = {"Runtime": "python3.13", "Handler": "m.handler", "MemorySize": 256, "Timeout": 10} | settings
        arn: str = self.client("lambda").create_function(
            FunctionName=name, Role=role, Code={"ZipFile": zipped({"m.py": code})}, **given
        )["FunctionArn"]
        return arn

    def log(self, group: str) -> list[str]:
        """All messages of a log group."""
        events = self.client("logs").filter_log_events(logGroupName=group)["events"]
        return [event["message"] for event in events]


def policy(*statements: Mapping[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def zipped(files: Mapping[str, str]) -> bytes:
    """A zip of these files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Wait for something to become true, and return it."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} seconds"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A cloud for one test module."""
    before = dict(os.environ)
    os.environ["YARD_CLOUD_FOLDER"] = str(tmp_path_factory.mktemp("cloud"))
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    with running_cloud() as endpoint:
        yield Account(endpoint)
    os.environ.clear()
    os.environ.update(before)
