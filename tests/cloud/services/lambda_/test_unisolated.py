"""Where namespaces are forbidden: functions of the project run, a stranger's only once the owner allows it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.support.cloud.in_process import Account, account, zipped

__all__ = ["account"]

OWN = "def handler(event, context): return 'own'"
STRANGE = "def handler(event, context): return 'strange'"


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A project on a machine without namespaces, with one function among its assets and one in a template."""
    from embedded import settings
    from embedded.nodes import sandbox

    monkeypatch.setattr(sandbox, "best", lambda: sandbox.Sandbox(isolation="loopback", why="forbidden here"))
    monkeypatch.setattr(settings.current, "project_root", tmp_path)
    asset = tmp_path / "cdk.out" / "asset.0123"
    (asset / "part").mkdir(parents=True)
    (asset / "m.py").write_text(OWN)
    (asset / "part" / "more.py").write_text("ONE = 1")
    inline = {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"ZipFile": OWN}}}}}
    (tmp_path / "cdk.out" / "s.template.json").write_text(json.dumps(inline))
    yield tmp_path
    settings.current.allow_unisolated = False


def call(account: Account, name: str, files: dict[str, str], kind: str = "RequestResponse") -> bytes:
    client = account.client("lambda")
    role = account.role(f"{name}-role", "lambda")
    settings = {"Runtime": "python3.13", "Handler": "m.handler", "Role": role, "Timeout": 10}
    client.create_function(FunctionName=name, Code={"ZipFile": zipped(files)}, **settings)
    return bytes(client.invoke(FunctionName=name, InvocationType=kind)["Payload"].read())


def test_the_projects_own_code_runs(account: Account, project: Path) -> None:
    assert call(account, "own", {"m.py": OWN, "part/more.py": "ONE = 1"}) == b'"own"'


def test_code_of_a_template_is_the_projects_too(account: Account, project: Path) -> None:
    from embedded.services.lambda_ import cfnresponse, provenance

    files = {"index.py": OWN, "cfnresponse.py": Path(cfnresponse.__file__).read_text()}
    assert provenance.refusal("inline", [zipped(files)]) is None
    assert provenance.refusal("inline", [zipped(files), zipped({"layer.py": ""})]) is not None, "a layer is code too"


@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_a_strangers_code_is_refused_with_what_to_do(account: Account, project: Path, kind: str) -> None:
    says = r"is not code of this project .* are not kept apart from this machine: .*allow_unisolated=true"
    with pytest.raises(ClientError, match=says):
        call(account, f"strange-{kind.lower()}", {"m.py": STRANGE}, kind)


def test_a_file_more_or_less_makes_it_anothers(account: Account, project: Path) -> None:
    for number, files in enumerate([{"m.py": OWN}, {"m.py": OWN, "part/more.py": "ONE = 1", "evil.py": ""}]):
        with pytest.raises(ClientError, match="is not code of this project"):
            call(account, f"changed-{number}", files)


def test_the_owner_may_allow_it(account: Account, project: Path) -> None:
    from embedded import settings

    settings.change({"allow_unisolated": True})
    assert call(account, "allowed", {"m.py": STRANGE}) == b'"strange"'


def test_the_setting_is_a_yes_or_a_no(project: Path) -> None:
    from embedded import settings
    from embedded.operations import ServiceError

    with pytest.raises(ServiceError, match="allow_unisolated: 'maybe' is neither true nor false"):
        settings.change({"allow_unisolated": "maybe"})


def test_with_namespaces_nobody_is_asked(account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from embedded import settings
    from embedded.nodes import sandbox
    from embedded.services.lambda_ import provenance

    monkeypatch.setattr(settings.current, "project_root", tmp_path)
    monkeypatch.setattr(sandbox, "best", lambda: sandbox.Sandbox(isolation="user", why=""))
    assert provenance.refusal("any", [zipped({"m.py": STRANGE})]) is None
