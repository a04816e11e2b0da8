"""The app with everything on: deployed, looked at, and taken away without a trace."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import lifecycle
from embedded.inventory import left_behind
from embedded.verify import table, verify
from tests.cloud.conftest import ROOT, Cloud, start

SYNTH = """
import sys
from pathlib import Path
import aws_cdk as cdk
import stacks
from shardyard.spec.settings.settings import Settings, context_of
from stacks.build import build_app
from checks.scenarios import contexts
app = cdk.App(context={**context_of(Path("cdk.json")), **contexts()["everything on"]}, outdir=sys.argv[1])
build_app(app, Settings.from_context(app.node.get_all_context()))
app.synth()
"""

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def own_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    running = start(tmp_path_factory.mktemp("everything"))
    running.admin("enforce-iam", on=True)
    yield running
    lifecycle.down(running.folder)


@pytest.fixture(scope="module")
def assembly(own_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assembly") / "cdk.out"
    command = [sys.executable, "-c", SYNTH, str(folder)]
    subprocess.run(command, cwd=ROOT, env=own_cloud.env, check=True, capture_output=True)
    return folder


def test_everything_on_is_deployed_right_and_leaves_nothing(own_cloud: Cloud, assembly: Path) -> None:
    own_cloud.bootstrap()
    # the boundary that the settings name is the account's own, not the app's
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    own_cloud.client("iam").create_policy(PolicyName="boundary", PolicyDocument=json.dumps(allowed))
    before = own_cloud.admin("inventory")["inventory"]

    done = own_cloud.cdk("deploy", "--all", "--require-approval", "never", "--app", str(assembly))
    assert done.returncode == 0, done.stdout + done.stderr
    results = verify(own_cloud.state)
    assert not table(item for item in results if not item.is_right)
    templates = [json.loads(path.read_text()) for path in assembly.glob("*.template.json")]
    resources = [one for template in templates for one in template["Resources"].values()]
    without_model = [one["Type"] for one in resources if one.get("Condition", "").endswith("HasModel")]
    assert "AWS::SageMaker::Endpoint" in without_model, "no endpoint has a model yet, so none is made"
    wanted = len(resources) - len(without_model)
    assert len([item for item in results if item.stack != "CDKToolkit"]) == wanted

    done = own_cloud.cdk("destroy", "--all", "--force", "--app", str(assembly))
    assert done.returncode == 0, done.stdout + done.stderr
    assert left_behind(before, own_cloud.admin("inventory")["inventory"]) == {}
