"""Where a job runs for less, with the arithmetic, and what each place does about interruptions and failures."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.catalogue.prices import HOURS_PER_MONTH, hourly_usd
from shardyard.spec.jobs.job import JobSpec

WORTH = 0.1
"""Less than a tenth is not worth what SageMaker does besides."""


LEAST_VOLUME_GB = 100
"""The Deep Learning AMI and an image with CUDA need that much."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """The answer."""

    place: str
    """`EC2`, `SageMaker`, or `unknown` where a price is missing."""
    ec2_usd: float | None
    sagemaker_usd: float | None
    lines: tuple[str, ...]
    """The arithmetic, and the reasons."""


@cache
def prices() -> Any:
    """EC2's on-demand prices, with their date and source."""
    return json.loads((Path(__file__).parent / "prices.json").read_text(encoding="utf-8"))


def advise(spec: JobSpec, *, hours: float, overhead_minutes: float, region: str) -> Where:
    """Compare one run of `hours`; on EC2 the minutes before and after it bill as well."""
    needs = tuple(needs_sagemaker(spec))
    kind, count = spec.compute.alternatives[0][0]
    ours = hourly_usd(kind, region)
    theirs = prices()["hourly_usd"].get(kind.removeprefix("ml.")) if region == prices()["region"] else None
    lines = list(_shown(spec, kind, count, hours, overhead_minutes, None if ours is None else ours.hourly_usd, theirs))
    ec2 = sagemaker = None
    if ours is not None and theirs is not None:
        volume = 0 if _has_local_disk(kind) else spec.compute.volume_gb
        sagemaker = count * hours * (ours.hourly_usd + volume * ours.storage_usd_per_gb_month / HOURS_PER_MONTH)
        stored = max(spec.compute.volume_gb, LEAST_VOLUME_GB) * prices()["gp3_usd_per_gb_month"] / HOURS_PER_MONTH
        ec2 = count * (hours + overhead_minutes / 60) * (theirs + stored)
        saved = 1 - ec2 / sagemaker
        lines.append(
            f"with volumes: SageMaker {sagemaker:.2f} USD, EC2 {ec2:.2f} USD: EC2 is "
            f"{abs(saved):.0%} {'cheaper' if saved > 0 else 'dearer'}"
        )
    lines += _besides(spec, overhead_minutes)
    lines += [f"only SageMaker does: {need}" for need in needs]
    if needs:
        place = "SageMaker"
    elif ec2 is None or sagemaker is None:
        place = "unknown"
        lines.append(f"no price of both is known for {kind} in {region}: compare them on AWS's pages")
    else:
        place = "EC2" if ec2 < sagemaker * (1 - WORTH) else "SageMaker"
    return Where(place=place, ec2_usd=ec2, sagemaker_usd=sagemaker, lines=tuple(lines))


def needs_sagemaker(spec: JobSpec) -> Iterator[str]:
    """What a job asks for and one instance with docker does not give it."""
    clusters = spec.compute.alternatives
    if len(clusters) > 1 or len(clusters[0]) > 1:
        yield "instance groups, and a choice among instance types"
    elif clusters[0][0][1] > 1:
        yield f"{clusters[0][0][1]} instances that find each other and start and end together"
    kind = clusters[0][0][0]
    if kind not in INSTANCES or not INSTANCES[kind].gpus:
        yield f"instances such as {kind}: the Deep Learning AMI of the template is for NVIDIA GPUs"
    if spec.spot.enabled:
        yield "spot with a restart from the last checkpoint: an EC2 spot instance that is taken back is gone"
    image = spec.image
    if any(one is not None for one in (image.algorithm, image.builtin, image.framework)):
        yield "an algorithm, or an image of AWS that gets the launcher by a channel"
    if spec.tuning is not None:
        yield "a search for hyperparameters: [tuning]"
    if spec.secrets:
        yield "[secrets]: the template's role reads none"
    if any(channel.s3 is None for channel in spec.channels.values()):
        yield "channels from a file system or a hub"
    if spec.compute.training_plan is not None:
        yield "a training plan"


def _shown(
    spec: JobSpec, kind: str, count: int, hours: float, minutes: float, ours: float | None, theirs: float | None
) -> Iterator[str]:
    if ours is not None:
        yield f"SageMaker: {count} x {kind} x {hours:g} h x {ours:g} USD = {count * hours * ours:.2f} USD"
    if theirs is not None:
        whole = hours + minutes / 60
        yield (
            f"EC2: {count} x {kind.removeprefix('ml.')} x ({hours:g} h + {minutes:g} min) x {theirs:g} USD = "
            f"{count * whole * theirs:.2f} USD (on demand, {prices()['region']}, {prices()['date']})"
        )


def _besides(spec: JobSpec, minutes: float) -> Iterator[str]:
    yield (
        f"start: EC2 bills its boot, the image's download and the data's copy, taken as {minutes:g} min "
        "(--overhead-minutes says what you measured); SageMaker does not bill the wait for an instance"
    )
    yield (
        "spot: its prices move and are in no data here; SageMaker starts a run that was taken back again from its last "
        "checkpoint, on EC2 a person does"
    )
    yield (
        "failures: on EC2 there is no preflight, no fallback type, no cap, no receipt, no alert and no watchdog; the "
        "template ends the instance when the program ends, and after limits.max_runtime in any case"
    )


def _has_local_disk(kind: str) -> bool:
    return kind in INSTANCES and INSTANCES[kind].local_disk_gb > 0
