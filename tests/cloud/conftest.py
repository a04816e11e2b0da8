"""A cloud of the tests' own, on its own port, and the whole app deployed to it once with the real command."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from embedded import lifecycle
from tests.support.cloud import house, own_project
from yard.runs import runs

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
REGION = "us-east-1"
_CONFIG = Config(retries={"total_max_attempts": 1}, read_timeout=120)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cloud:
    """A running embedded cloud, as tests use it."""

    state: lifecycle.CloudState
    folder: Path

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return self.state.endpoint

    @property
    def env(self) -> dict[str, str]:
        """The environment for subprocesses: nothing real in it, everything pointed at this cloud."""
        # Under CI=true the CDK command writes everything to stdout, and tests would read another stream than people do.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name != "CI"}
        node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
        quiet = {
            "CDK_VALIDATION": "false",
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": node.strip().lstrip("v").split(".")[0],
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        return kept | lifecycle.variables(self.state, self.folder) | quiet

    def client(self, service: str, *, account: str = "test", region: str = REGION, **credentials: str) -> Any:
        """A boto3 client; `account` is an access key: `test` or twelve digits. A session's keys go in `credentials`."""
        keys = credentials or {"aws_access_key_id": account, "aws_secret_access_key": self.state.secret}
        return boto3.client(service, region_name=region, endpoint_url=self.endpoint, config=_CONFIG, **keys)

    def as_role(self, service: str, role_arn: str, region: str = REGION, **session: Any) -> Any:
        """A boto3 client in a role's name; `session` is what else AssumeRole is given."""
        asked = {"RoleArn": role_arn, "RoleSessionName": "test", **session}
        found = self.client("sts").assume_role(**asked)["Credentials"]
        return self.client(
            service,
            region=region,
            aws_access_key_id=found["AccessKeyId"],
            aws_secret_access_key=found["SecretAccessKey"],
            aws_session_token=found["SessionToken"],
        )

    def admin(self, verb: str, **params: Any) -> dict[str, Any]:
        """Call a verb of the cloud's own interface."""
        return lifecycle.admin(self.state, verb, params)

    def cdk(
        self, *arguments: str, env: Mapping[str, str] = os.environ, root: Path = ROOT
    ) -> subprocess.CompletedProcess[str]:
        """Run the real CDK command from a project's root; the caller looks at the exit status."""
        extra = {} if env is os.environ else dict(env)
        return subprocess.run(
            ["npx", "cdk", *arguments],
            cwd=root,
            env=self.env | extra,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def bootstrap(self, account: str = ACCOUNT, region: str = REGION) -> None:
        """Bootstrap an account and region, with the unmodified template."""
        key = "test" if account == ACCOUNT else account
        # a folder of its own: the command refuses while another one reads the project's cdk.out
        place = ("--output", str(self.folder / "bootstrap.out"))
        done = self.cdk("bootstrap", f"aws://{account}/{region}", *place, env={"AWS_ACCESS_KEY_ID": key})
        assert done.returncode == 0, done.stdout + done.stderr


def start(folder: Path) -> Cloud:
    """Start a cloud in a folder."""
    return Cloud(state=lifecycle.up(folder), folder=folder)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One cloud for all tests: they keep out of each other's way by names. IAM is enforced."""
    running = start(tmp_path_factory.mktemp("cloud"))
    running.admin("enforce-iam", on=True)
    yield running
    lifecycle.down(running.folder)


@pytest.fixture(scope="session")
def bootstrapped_cloud(cloud: Cloud) -> Cloud:
    """The cloud with the bootstrap stack in its default account."""
    cloud.bootstrap()
    return cloud


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """What the fixture `deployed_cloud` did, for the tests of the deployment itself."""

    cloud: Cloud
    assembly: Path
    before: dict[str, list[str]]
    """What there was before the deployment."""

    output: str


@pytest.fixture(scope="session")
def deployment(bootstrapped_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """The default app, deployed once with the real command."""
    assembly = tmp_path_factory.mktemp("assembly") / "cdk.out"
    before = bootstrapped_cloud.admin("inventory")["inventory"]
    arguments = ("deploy", "--all", "--require-approval", "never", "--output", str(assembly))
    email = ("--parameters", f"shardyard-dev-observability:AlertEmail={house.EMAIL}")
    done = bootstrapped_cloud.cdk(*arguments, *email, "--app", f"{sys.executable} app.py")
    assert done.returncode == 0, done.stdout + done.stderr
    return Deployed(cloud=bootstrapped_cloud, assembly=assembly, before=before, output=done.stdout + done.stderr)


@pytest.fixture(scope="session")
def deployed_cloud(deployment: Deployed) -> Cloud:
    """The cloud with the default app in it."""
    return deployment.cloud


@pytest.fixture(scope="session")
def shipped(deployed_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> house.House:
    """The project as it ships: deployed, with its image and with data for all of its jobs."""
    found = house.House.of(deployed_cloud)
    house.short_waits(deployed_cloud)
    found.push_image()
    data = tmp_path_factory.mktemp("data")
    house.write_data(data)
    found.put(data, "")
    return found


@pytest.fixture(scope="session")
def undisturbed(shipped: house.House) -> runs.Run:
    """A run of mnist-ddp on two nodes that nothing disturbs: what others are compared with."""
    return shipped.succeed("mnist-ddp", house.DISTURBABLE)


@pytest.fixture(scope="session")
def research(bootstrapped_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> own_project.OwnProject:
    """A second project in the same cloud, with one quick job, which tests may change and deploy again."""
    folder = tmp_path_factory.mktemp("projects") / "research"
    return own_project.make_project(bootstrapped_cloud, folder, email=house.EMAIL)
