"""The code that a deploy brings along: a job's own, the launcher, the functions', and their zips."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from tempfile import mkdtemp

import aws_cdk as cdk
import pytest

from shardyard.images.job_image import JobImage
from shardyard.images.job_source import launcher_bundle, source_bundle
from shardyard.jobs.training_job import TrainingJob
from shardyard.spec.settings.settings import Settings
from stacks.build import ROOT, build_foundation
from tests.support.training_stack import (
    VISION,
    build,
    job,
    of_type,
    only,
    templates,
)
from training.launcher.bundle import main


def test_the_submit_function_has_its_own_botocore_and_the_others_stay_small(tmp_path: Path) -> None:
    app, _ = build([job(debug={"remote": True})])
    folder = Path(app.synth().directory)
    template = json.loads((folder / "shardyard-dev-training.template.json").read_text())
    layered = [f for f in of_type(template, "AWS::Lambda::Function").values() if "Layers" in f]
    assert [f["Handler"] for f in layered] == ["shardyard.handlers.launch.submit.index.handler"]
    key = only(template, "AWS::Lambda::LayerVersion")["Content"]["S3Key"]
    layer = folder / f"asset.{key}"
    with zipfile.ZipFile(layer) as packed:
        packed.extractall(tmp_path)
    (handlers,) = {f["Code"]["S3Key"] for f in of_type(template, "AWS::Lambda::Function").values()}
    assert (folder / f"asset.{handlers}").stat().st_size < 1_200_000
    program = "import boto3, botocore; print(botocore.__file__); boto3.client('sagemaker', region_name='us-east-1')"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": str(tmp_path / "python"), "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith(str(tmp_path)), done.stderr


def test_a_jobs_own_code_is_put_into_the_artifact_bucket(tmp_path: Path) -> None:
    for folder in ("containers", "contract", "serving", "training"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text("print(1)\n")
    spec = job(source={"dir": "mine"}, program={"entry": "train.py"})
    template = templates([spec], tmp_path)["training"]
    (sha256,) = only(template, "Custom::SourceBundles")["Bundles"]
    assert f'"sha256":"{sha256}"' in only(template, "AWS::StepFunctions::StateMachine")["DefinitionString"]


def test_an_aws_container_brings_the_launcher_along() -> None:
    spec = job(image={"framework": "pytorch", "version": "2.13"}, source=None)
    template = templates([spec])["training"]
    (sha256,) = only(template, "Custom::SourceBundles")["Bundles"]
    machine = only(template, "AWS::StepFunctions::StateMachine")
    assert f'"launcher_sha256":"{sha256}"' in machine["DefinitionString"]
    assert template["Mappings"]["DlcAccounts"]["us-east-1"] == {"account": "763104351884"}


def test_the_zip_is_byte_for_byte_the_one_that_the_launcher_makes_of_itself(tmp_path: Path) -> None:
    assert main([str(tmp_path / "launcher.zip")]) == 0
    ours = launcher_bundle(ROOT)
    assert (tmp_path / "launcher.zip").read_bytes() == ours
    with zipfile.ZipFile(io.BytesIO(ours)) as archive:
        names = archive.namelist()
    assert "training/pytorch/programs/mnist.py" in names, "a module of training/ runs in AWS's image as in ours"


def test_every_zip_is_stored_so_that_no_version_of_zlib_has_a_say_in_a_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("containers", "contract", "serving", "training"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text("print(1)\n" * 100)
    monkeypatch.setattr(zlib, "compressobj", None)
    own = job(source={"dir": "mine"}, program={"entry": "train.py"})
    brought = job("second", image={"framework": "pytorch", "version": "2.13"}, debug={"remote": True}, source=None)
    app, _ = build([own, brought], tmp_path)
    every_zip = {path.name: path.read_bytes() for path in Path(app.synth().directory).glob("asset.*.zip")}
    # The handlers', the layer's, a job's own code and the launcher's
    assert len(every_zip) == 4
    for name, content in every_zip.items():
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
        assert entries, name
        assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}, name
        assert all(entry.compress_size == entry.file_size for entry in entries), name
    # Lambda takes 50 MB as a zip, unpacked 250 MB with all layers
    assert sum(map(len, every_zip.values())) < 20_000_000


def test_a_job_with_code_of_its_own_stands_without_a_runtime_too(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text("print(1)\n")
    app = cdk.App(outdir=mkdtemp())
    ground, stack = build_foundation(app, Settings()), cdk.Stack(app, "one")
    spec = job(source={"dir": "mine"}, program={"entry": "train.py"})
    image = JobImage.of(stack, spec, project=VISION, root=ROOT)
    bundle = source_bundle(tmp_path, "mine")
    with pytest.raises(ValueError, match="tiny: `source` is given where the spec has"):
        TrainingJob(stack, "bare", project=VISION, spec=spec, image=image, data=ground.storage, network=None)
    TrainingJob(stack, "tiny", project=VISION, spec=spec, image=image, data=ground.storage, network=None, source=bundle)
    template = json.loads((Path(app.synth().directory) / "one.template.json").read_text())
    assert list(only(template, "Custom::SourceBundles")["Bundles"]) == [hashlib.sha256(bundle).hexdigest()]
