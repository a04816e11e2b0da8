"""The cloud's life: up, down, status, reset, env; and its front: accounts, keys, errors."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from embedded import lifecycle
from tests.cloud.conftest import Cloud, start
from tests.support.cloud.in_process import zipped
from tests.support.clouds.training_cloud import descendants, wait_until


@pytest.fixture
def own_cloud(tmp_path: Path) -> Iterator[Cloud]:
    running = start(tmp_path)
    yield running
    lifecycle.down(tmp_path)


def test_up_again_is_harmless(own_cloud: Cloud) -> None:
    again = lifecycle.up(own_cloud.folder)
    assert own_cloud.state.seconds > 0  # benchmarks.embedded_cloud holds the 5 s, on a machine of its own
    assert (again.pid, again.port, again.seconds) == (own_cloud.state.pid, own_cloud.state.port, 0)
    assert own_cloud.admin("status")["memory_mb"] < 500


def test_down_ends_the_process_and_down_again_says_that_nothing_ran(tmp_path: Path) -> None:
    running = lifecycle.up(tmp_path)
    assert lifecycle.down(tmp_path)
    assert lifecycle.status(tmp_path) is None
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", running.port), timeout=1)
    assert not lifecycle.down(tmp_path)


def test_the_cloud_takes_the_descriptors_that_a_shell_does_not_give_it(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        running = lifecycle.up(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    try:
        allowed = resource.prlimit(running.pid, resource.RLIMIT_NOFILE)
    finally:
        lifecycle.down(tmp_path)
    assert allowed == (min(hard, 8192), hard)


def test_reset_forgets_everything_and_keeps_the_port(own_cloud: Cloud) -> None:
    own_cloud.client("s3").create_bucket(Bucket="to-be-forgotten")
    fresh = lifecycle.reset(own_cloud.folder)
    assert fresh.port == own_cloud.state.port
    assert own_cloud.client("s3").list_buckets()["Buckets"] == []


def test_a_crash_at_the_start_names_the_log_and_the_reason(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(lifecycle.CloudError) as caught:
            lifecycle.up(tmp_path, port=taken.getsockname()[1])
    assert re.match(r"the embedded cloud ended before it answered \(exit 1, after \d+\.\d s\); ", str(caught.value))
    assert str(tmp_path / "cloud.log") in str(caught.value)
    assert "in use" in str(caught.value)


def test_a_state_file_of_a_dead_process_is_not_believed(own_cloud: Cloud, tmp_path: Path) -> None:
    import os
    import signal

    os.kill(own_cloud.state.pid, signal.SIGKILL)
    os.waitpid(own_cloud.state.pid, 0)
    assert lifecycle.status(tmp_path) is None
    assert lifecycle.up(tmp_path).pid != own_cloud.state.pid


def test_a_handler_that_never_returns_ends_with_a_cloud_that_is_killed(tmp_path: Path) -> None:
    running = start(tmp_path / "cloud")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = running.client("iam").create_role(
        RoleName="r", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    code = "import subprocess, time\ndef handler(event, context):\n    subprocess.run(['sleep', '600'])\n"
    client = running.client("lambda")
    client.create_function(
        FunctionName="f", Runtime="python3.13", Handler="m.handler", Role=role, Code={"ZipFile": zipped({"m.py": code})}
    )
    client.invoke(FunctionName="f", InvocationType="Event")
    wait_until(lambda: any(map(_sleeps, descendants(running.state.pid))), 20, "the handler's own process")
    left = descendants(running.state.pid)
    os.kill(running.state.pid, signal.SIGKILL)
    os.waitpid(running.state.pid, 0)
    wait_until(lambda: not any(_runs(pid) for pid in left), 10, "the end of the handler")


def _sleeps(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep\0")
    except OSError:
        return False


def _runs(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_env_points_away_from_everything_real(cloud: Cloud) -> None:
    exports = lifecycle.env(cloud.folder, environment={})
    assert exports["AWS_ENDPOINT_URL"] == cloud.endpoint
    assert exports["AWS_CONFIG_FILE"] == exports["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert exports["CDK_HOME"].startswith(str(cloud.folder))


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_env_keeps_the_account_and_the_region_that_the_shell_names(cloud: Cloud, name: str) -> None:
    shell = {name: "ap-south-1", "AWS_ACCESS_KEY_ID": "111122223333"}
    exports = lifecycle.env(cloud.folder, environment=shell)
    assert exports["AWS_REGION"] == exports["AWS_DEFAULT_REGION"] == "ap-south-1"
    assert exports["AWS_ACCESS_KEY_ID"] == "111122223333"


@pytest.mark.parametrize(
    "environment",
    [
        {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"},
        {"AWS_PROFILE": "work"},
        {"AWS_SESSION_TOKEN": "token"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/"},
        {"AWS_ENDPOINT_URL_S3": "https://s3.us-east-1.amazonaws.com"},
    ],
)
def test_env_refuses_where_something_real_could_be_reached(cloud: Cloud, environment: dict[str, str]) -> None:
    with pytest.raises(lifecycle.CloudError) as caught:
        lifecycle.env(cloud.folder, environment=environment)
    assert next(iter(environment)) in str(caught.value)
    assert "unset" in str(caught.value)


@pytest.mark.parametrize(
    "environment",
    [
        {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"},
        {"AWS_PROFILE": "work"},
        {"AWS_ENDPOINT_URL_S3": "https://s3.aws/"},
    ],
)
def test_no_cloud_starts_where_something_real_could_be_reached(tmp_path: Path, environment: dict[str, str]) -> None:
    with pytest.raises(lifecycle.CloudError, match=next(iter(environment))):
        lifecycle.up(tmp_path, environment=environment)
    assert lifecycle.holder(tmp_path) is None


def test_the_process_has_nothing_of_a_shell_but_what_it_needs(tmp_path: Path) -> None:
    """Functions and jobs are the same user's processes: they can read what their parent was started with."""
    shell = {
        **os.environ,
        "GITHUB_TOKEN": "token",
        "OPENAI_API_KEY": "key",
        "AWS_ENDPOINT_URL_S3": "http://localhost:1",
    }
    running = lifecycle.up(tmp_path, environment=shell)
    try:
        had = Path(f"/proc/{running.pid}/environ").read_bytes().decode()
    finally:
        lifecycle.down(tmp_path)
    names = {entry.partition("=")[0] for entry in had.split("\0")}
    assert {"PATH", "HOME"} <= names
    assert not [name for name in names if name.startswith("AWS_") or name in ("GITHUB_TOKEN", "OPENAI_API_KEY")]


def test_nothing_of_the_folder_it_is_started_in_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("queue.py", "logging.py", "json.py"):
        (tmp_path / name).write_text("raise SystemExit('of the folder')")
    monkeypatch.chdir(tmp_path)
    running = lifecycle.up(tmp_path / "cloud")
    try:
        assert Path(f"/proc/{running.pid}/cwd").resolve() == Path("/")
    finally:
        lifecycle.down(tmp_path / "cloud")


def test_a_start_that_fails_shows_its_own_lines_and_not_those_of_another(tmp_path: Path) -> None:
    (tmp_path / "cloud.log").write_text("the crash of last week\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(lifecycle.CloudError, match="in use") as caught:
            lifecycle.up(tmp_path, port=taken.getsockname()[1])
    assert "last week" not in str(caught.value)


def test_env_of_a_cloud_that_is_down_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(lifecycle.CloudError, match="yard cloud up"):
        lifecycle.env(tmp_path)


def test_only_the_loopback_is_served(cloud: Cloud) -> None:
    listening = Path("/proc/net/tcp")
    if not listening.exists():
        pytest.skip("needs /proc/net/tcp to see who listens where")
    port = f"{cloud.state.port:04X}"
    rows = [line.split() for line in listening.read_text().splitlines()[1:]]
    addresses = {row[1].split(":")[0] for row in rows if row[1].endswith(f":{port}") and row[3] == "0A"}
    assert addresses == {"0100007F"}
    six = Path("/proc/net/tcp6").read_text()
    assert f":{port} 0000" not in six


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_both_names_of_the_loopback_work(cloud: Cloud, host: str) -> None:
    s3 = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{cloud.state.port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key=cloud.state.secret,
    )
    name = f"by-name-{host.replace('.', '-')}"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a folder/ä key", Body=b"x" * 3_000_000)
    assert len(s3.get_object(Bucket=name, Key="a folder/ä key")["Body"].read()) == 3_000_000


def test_any_account_and_region_is_its_own(cloud: Cloud) -> None:
    for account, region in (("111111111111", "eu-central-1"), ("222222222222", "ap-southeast-2")):
        identity = cloud.client("sts", account=account, region=region).get_caller_identity()
        assert identity["Account"] == account
        assert identity["Arn"] == f"arn:aws:iam::{account}:root"
        topic = cloud.client("sns", account=account, region=region).create_topic(Name="mine")["TopicArn"]
        assert topic == f"arn:aws:sns:{region}:{account}:mine"
    assert cloud.client("sns", account="111111111111").list_topics()["Topics"] == []


def test_a_key_that_nobody_made_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.client("sts", account="AKIAIOSFODNN7EXAMPLE").get_caller_identity()
    assert caught.value.response["Error"]["Code"] == "InvalidClientTokenId"


def test_what_is_not_emulated_says_so_at_once(cloud: Cloud) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.client("sagemaker").list_ai_benchmark_jobs()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "does not emulate sagemaker:ListAIBenchmarkJobs" in caught.value.response["Error"]["Message"]


def test_a_page_on_the_web_cannot_steer_the_cloud(cloud: Cloud) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{cloud.state.port}/_yard/enforce-iam", data=b"{}")
    request.add_header("Origin", "https://example.com")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 403


def test_the_command_prints_exports_that_a_shell_can_take(cloud: Cloud) -> None:
    command = f'eval "$({sys.executable} -m embedded env --folder {cloud.folder})" && echo $AWS_ENDPOINT_URL'
    done = subprocess.run(["bash", "-c", command], env=cloud.env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == cloud.endpoint


@pytest.mark.e2e
def test_nothing_is_written_to_the_users_own_folders(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    running = start(tmp_path / "cloud")
    try:
        place = ("--output", str(tmp_path / "cdk.out"))
        done = running.cdk("bootstrap", "aws://123456789012/us-east-1", *place, env={"HOME": str(home)})
        assert done.returncode == 0, done.stderr
    finally:
        lifecycle.down(running.folder)
    left = {path.name for path in home.iterdir()} - {".npm", ".cache"}
    assert left == set()


def test_no_operation_asks_for_another_host(cloud: Cloud) -> None:
    """Some operations put a word before the host's name, which nobody knows here."""
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:none"
    code = f"import boto3; boto3.client('stepfunctions').start_sync_execution(stateMachineArn={arn!r})"
    done = subprocess.run([sys.executable, "-c", code], env=cloud.env, capture_output=True, text=True, check=False)
    assert "State Machine Does Not Exist" in done.stderr
