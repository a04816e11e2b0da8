"""The hardware that an image is built for: what a folder says, what a job needs, and what is refused."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from shardyard.spec.catalogue.image_commands import ImageBuild
from shardyard.spec.catalogue.images import WHEELS, content_tag
from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.catalogue.support import support_warnings
from shardyard.spec.catalogue.variants import VARIANTS, Variant, base_uri, choose, hardware, misfit, read_variants
from shardyard.spec.errors import SpecError
from shardyard.spec.requests.training import to_request
from tests.support.launches import DEPLOYMENT
from tests.support.spec.request_cases import IMAGE
from tests.support.spec.spec_tables import make

ROOT = Path(__file__).parents[3]
GROUPS = [
    {"name": "a", "instance_type": "ml.g5.xlarge", "count": 1},
    {"name": "b", "instance_type": "ml.c5.xlarge", "count": 1},
]


def on(kind: str | None, **tables: Any) -> Any:
    return make(compute={"instance_type": kind, **tables.pop("compute", {})}, **tables)


def test_every_instance_type_needs_a_variant_that_is_known() -> None:
    needed = {hardware(instance) for instance in INSTANCES.values()}
    assert {"cpu", "gpu", "neuron", "gpu-arm64"} <= needed <= set(VARIANTS)


@pytest.mark.parametrize(
    ("spec", "there", "chosen"),
    [
        (on("ml.g5.xlarge"), "cpu gpu", "gpu"),
        (on("ml.c5.xlarge"), "cpu gpu", "cpu"),
        (on("ml.c5.xlarge"), "gpu", "gpu"),
        (on("ml.g5.xlarge"), "cpu", None),
        (on("ml.brand-new.xlarge"), "cpu gpu", "gpu"),
        (on("ml.trn1.2xlarge"), "cpu gpu", None),
        (on("ml.p6e-gb200.36xlarge"), "cpu gpu cpu-arm64", None),
        (on("ml.p6e-gb200.36xlarge"), "cpu gpu gpu-arm64", "gpu-arm64"),
        (on(None, compute={"groups": GROUPS}), "cpu gpu", "gpu"),
        (on(None, compute={"groups": GROUPS}), "cpu", None),
        (on("ml.g5.xlarge", program={"without_gpus": True}), "cpu", "cpu"),
        (on("ml.g5.xlarge", program={"without_gpus": True}), "cpu gpu", "gpu"),
    ],
)
def test_the_instances_choose_the_variant(spec: Any, there: str, chosen: str | None) -> None:
    assert choose(spec, there.split()) == chosen


def test_a_job_that_no_variant_runs_on_hears_what_it_needs_and_what_there_is() -> None:
    assert misfit(on("ml.g5.xlarge"), ["cpu"], "own") == (
        "containers/own has no image for these instances: ml.g5.xlarge needs gpu, and its variants.toml has cpu "
        "(take other types, or add a base for that hardware there)"
    )
    assert misfit(on("ml.g5.xlarge"), [], "own") is None, "a folder of one image"


def test_each_attempts_request_has_the_image_for_its_own_machines() -> None:
    deployment = DEPLOYMENT.from_dict(
        {**DEPLOYMENT.to_dict(), "image_uri": IMAGE, "image_bases": {"cpu": "a", "gpu": "b"}}
    )
    for kind, ends in (("ml.c5.xlarge", "-cpu"), ("ml.g5.xlarge", "-gpu")):
        request = to_request(on(kind), deployment, job_name="n", run_id="r")
        assert request["AlgorithmSpecification"]["TrainingImage"] == f"{IMAGE}{ends}"
    with pytest.raises(SpecError, match=r"image\.folder: containers/pytorch has no image for .* needs neuron"):
        to_request(on("ml.trn1.2xlarge"), deployment, job_name="n", run_id="r")


def test_our_folders_name_variants_that_can_be_had() -> None:
    variants = read_variants(ROOT / "containers/pytorch")
    assert {"cpu", "gpu"} <= set(variants)
    assert base_uri(variants["gpu"].base, "gpu", region="cn-north-1") == (
        "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/pytorch:2.13-cu133-amzn2023-sagemaker"
    )
    assert base_uri("python:3.11", "cpu", region="eu-west-1") == "python:3.11"
    with pytest.raises(SpecError, match="no account is known that publishes AWS's containers in mars-north-1"):
        base_uri("aws:pytorch/2.13", "gpu", region="mars-north-1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no variant"),
        ("[tpu]\nbase = 'x'", "tpu: is no variant (known: cpu, gpu"),
        ("cpu = 'x'", "cpu: is a table of base"),
        ("[cpu]\nbase = 'x'\nplatform = 'y'", "cpu: is a table of base"),
        ("[cpu]\nindex = 'https://x'", "cpu: is a table of base"),
        ("[cpu]\nbase = 3", "cpu.base: '3' is not allowed"),
        ("[cpu]\nbase = '; rm -rf /'", "cpu.base: '; rm -rf /' is not allowed"),
        ("[cpu]\nbase = '--privileged'", "cpu.base: '--privileged' is not allowed"),
        ("[gpu]\nbase = 'aws:pytorch/9.9'", "gpu.base: no Deep Learning Container of pytorch 9.9 is known"),
        ("[gpu]\nbase = 'aws:jax/0.1'", "gpu.base: no Deep Learning Container of jax 0.1 is known"),
        (
            "[cpu]\nbase = 'x'\nindex = 'https://me:word@host/'",
            "cpu.index: is an address https://... without a user",
        ),
        ("[cpu]\nbase = 'x'\nindex = 7", "cpu.index: is an address"),
        ("[cpu\n", "cannot be read"),
        ("\x00", "cannot be read"),
        ("a = " + "[" * 3000, "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(tmp_path: Path, text: str, said: str) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "variants.toml").write_text(text)
    with pytest.raises(SpecError) as refusal:
        read_variants(folder)
    assert str(refusal.value).startswith("containers/own/variants.toml: ")
    assert said in str(refusal.value)


def test_every_mistake_of_a_file_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "variants.toml").write_text("[tpu]\nbase = 'x'\n[cpu]\nbase = 1\n")
    with pytest.raises(SpecError) as refusal:
        read_variants(tmp_path)
    assert len(refusal.value.problems) == 2


def test_the_tag_follows_the_bases_and_not_the_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "containers/own"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM x\n")
    (folder / "variants.toml").write_text('[gpu]\nbase = "aws:pytorch/2.13"\n')
    before = content_tag(tmp_path, "own")
    (folder / WHEELS).mkdir()
    (folder / WHEELS / "torch.whl").write_bytes(b"1")
    assert content_tag(tmp_path, "own") == before
    newer = {"pytorch": {"2.13": {"repository": "pytorch", "gpu": "2.13-cu134"}}}
    monkeypatch.setattr("shardyard.spec.catalogue.images.DLC_IMAGES", newer)
    assert content_tag(tmp_path, "own") != before


def test_the_commands_of_a_build_on_a_container_of_aws_log_in_to_both_registries() -> None:
    build = ImageBuild(
        uri=f"{IMAGE}-gpu",
        region="us-east-1",
        folder="pytorch",
        name="gpu",
        variant=Variant(base="aws:pytorch/2.13", index="https://packages.example/simple"),
    )
    *log_ins, docker_build, push = build.shown
    assert [line.rpartition(" ")[2].partition(".")[0] for line in log_ins] == ["123456789012", "763104351884"]
    assert docker_build == (
        "docker build --platform linux/amd64 --file containers/pytorch/Dockerfile --build-arg VARIANT=gpu "
        "--build-arg BASE_IMAGE=763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch:2.13-cu133-amzn2023-sagemaker "
        f"--build-arg INDEX=https://packages.example/simple --tag {IMAGE}-gpu ."
    )
    assert push == f"docker push {IMAGE}-gpu"


@pytest.mark.parametrize(
    ("today", "said"),
    [
        ("2026-11-30", None),
        ("2027-06-01", "AWS patches its container pytorch 2.13 until 2027-07-20, by the list of 2026-11-21: "),
        ("2027-07-21", "AWS has patched its container pytorch 2.13 until 2027-07-20, by the list of 2026-11-21: "),
    ],
)
def test_a_container_that_is_patched_no_more_is_warned_of_with_its_date(today: str, said: str | None) -> None:
    plain = make(image={"folder": None, "framework": "pytorch", "version": "2.13"})
    for spec, bases in ((plain, {}), (make(), {"gpu": "aws:pytorch/2.13", "cpu": "python:3.11"})):
        found = [text for _, text in support_warnings(spec, bases, date.fromisoformat(today))]
        assert len(found) == (said is not None)
        assert said is None or found[0].startswith(said)
