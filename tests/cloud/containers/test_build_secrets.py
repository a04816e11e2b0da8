"""A build behind a proxy that signs anew, from an index with a password: both come in, and neither stays."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shardyard.spec.product import IMAGE_ROOMS
from tests.support.clouds.docker_cloud import BASE_VARIABLE
from tests.support.clouds.docker_images import layers, names
from tests.support.clouds.package_index import HOST, PASSWORD, USER, index
from tests.support.clouds.training_cloud import ENGINE_VARIABLE, ROOT
from tests.support.training.wheels import tiny_wheel

pytestmark = [
    pytest.mark.containers,
    pytest.mark.skipif(os.environ.get(ENGINE_VARIABLE) != "docker", reason="make test-containers starts a daemon"),
]

_BASE, _NAME = "shardyard/base:compiled", "shardyard/secrets:test"
_WHEEL = tiny_wheel("tiny_package", "x = 1\n")


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """A base that has what install.sh would take from the distribution, which is not to be reached here."""
    lines = f"FROM {os.environ[BASE_VARIABLE]}\nRUN ln -s /bin/true /usr/bin/g++ && ln -s /bin/true /usr/bin/mpirun\n"
    command = ["docker", "build", "--network", "none", "--tag", _BASE, "-"]
    subprocess.run(command, input=lines.encode(), env=os.environ | {"DOCKER_BUILDKIT": "1"}, check=True)
    yield _BASE
    subprocess.run(["docker", "image", "rm", _BASE], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """The context of containers/pytorch, with one small package in place of its own."""
    place = tmp_path / "context"
    for part in (*IMAGE_ROOMS, "containers/pytorch"):
        shutil.copytree(ROOT / part, place / part, ignore=shutil.ignore_patterns("__pycache__", "wheels"))
    digest = hashlib.sha256(_WHEEL).hexdigest()
    (place / "containers/pytorch/requirements.lock").write_text(f"tiny_package==1.0 --hash=sha256:{digest}\n")
    (place / "containers/pytorch/requirements.txt").write_text("tiny_package==1.0\n")
    return place


def build(context: Path, base: str, *secrets: str) -> subprocess.CompletedProcess[str]:
    """Build the real Dockerfile on this machine's network, with these secrets."""
    command = ["docker", "build", "--progress", "plain", "--network", "host", "--no-cache", "--tag", _NAME]
    command += ["--file", "containers/pytorch/Dockerfile", "--build-arg", f"BASE_IMAGE={base}"]
    command += [word for secret in secrets for word in ("--secret", secret)]
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    return subprocess.run([*command, "."], cwd=context, env=environment, capture_output=True, text=True, check=False)


def test_a_build_takes_a_proxys_authority_and_an_index_and_keeps_neither(
    context: Path, base: str, tmp_path: Path
) -> None:
    with index(tmp_path, {"tiny_package-1.0-py3-none-any.whl": _WHEEL}) as (port, authority):
        settings = tmp_path / "pip.conf"
        settings.write_text(f"[global]\nindex-url = https://{USER}:{PASSWORD}@{HOST}:{port}/simple/\nretries = 0\n")
        pip, ca = f"id=pip,src={settings}", f"id=ca,src={authority}"
        refused = build(context, base, pip)
        assert refused.returncode != 0 and "CERTIFICATE_VERIFY_FAILED" in refused.stderr.replace(" ", "_").upper()
        done = build(context, base, pip, ca)
    assert done.returncode == 0, done.stderr
    try:
        found = layers(_NAME)
    finally:
        subprocess.run(["docker", "image", "rm", _NAME], check=True, stdout=subprocess.DEVNULL)
    assert any(name.endswith("tiny_package.py") for layer in found for name in names(layer))
    for secret in (PASSWORD.encode(), authority.read_bytes()):
        assert not [layer for layer in found if secret in layer]
    assert PASSWORD not in done.stdout + done.stderr, "pip hides it in what it prints"
