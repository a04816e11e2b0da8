"""What is missing or wrong on this machine and in this account, each with its fix."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shardyard.spec.errors import nearest
from shardyard.spec.owners import EVERY_OTHER
from yard.aws import Aws
from yard.errors import explain

if TYPE_CHECKING:
    from shardyard.spec.settings.settings import Settings

_FREE_GB = 5
_NODE_MAJOR = 18
_BOOTSTRAP_VERSION = "/cdk-bootstrap/hnb659fds/version"
_BOOTSTRAP_LEAST = 21


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """The result of one check."""

    what: str
    state: str
    """`ok`, `warning` or `missing`; `person` for what only a person can see."""
    says: str
    fix: str = ""


Check = Callable[[Aws], Iterator[Diagnosis]]


def examine(aws: Aws, *, account: bool) -> Iterator[Diagnosis]:
    """Check the machine and, with `account`, the account. A check that fails to run becomes a finding."""
    for check in (*_MACHINE, *(_ACCOUNT if account else ())):
        try:
            yield from check(aws)
        except Exception as error:
            known = explain(error)
            if known is None:
                raise
            yield Diagnosis(what=_name(check), state="missing", says=known.happened, fix=known.fix)
            if check is _credentials:
                return


def _name(check: Check) -> str:
    return check.__name__.strip("_").replace("_", " ")


def _ok(what: str, says: str) -> Diagnosis:
    return Diagnosis(what=what, state="ok", says=says)


def _python(aws: Aws) -> Iterator[Diagnosis]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield _ok("Python", version)


def _node(aws: Aws) -> Iterator[Diagnosis]:
    if shutil.which("node") is None:
        yield Diagnosis(
            what="Node", state="missing", says="not found", fix="Install Node 22; synth and deploy need it."
        )
        return
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < _NODE_MAJOR:
        yield Diagnosis(what="Node", state="missing", says=version, fix=f"Install Node {_NODE_MAJOR} or later.")
    else:
        yield _ok("Node", version)


def _cdk(aws: Aws) -> Iterator[Diagnosis]:
    command = aws.project.root / "node_modules/.bin/cdk"
    if not command.exists():
        yield Diagnosis(what="CDK command", state="missing", says="not installed here", fix="make setup")
        return
    said = subprocess.run([str(command), "--version"], capture_output=True, text=True, check=True).stdout
    yield _ok("CDK command", said.split()[0])


def _disk(aws: Aws) -> Iterator[Diagnosis]:
    free_gb = shutil.disk_usage(aws.project.root).free / 1e9
    if free_gb < _FREE_GB:
        fix = f"Free some space: an image's environment takes 1 to 2 GB, and {_FREE_GB} GB are enough to start with."
        yield Diagnosis(what="disk", state="warning", says=f"{free_gb:.1f} GB free", fix=fix)
    else:
        yield _ok("disk", f"{free_gb:.0f} GB free")


def _isolation(aws: Aws) -> Iterator[Diagnosis]:
    """Whether the embedded cloud can give each training node namespaces of its own."""
    command = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--uts", "true"]
    works = shutil.which("unshare") is not None and subprocess.run(command, capture_output=True).returncode == 0
    if works:
        yield _ok("node isolation", "namespaces work")
    else:
        says = "namespaces are not allowed here; the embedded cloud's nodes fall back to loopback addresses"
        yield Diagnosis(what="node isolation", state="warning", says=says, fix="Use Linux, or allow user namespaces.")


def _docker(aws: Aws) -> Iterator[Diagnosis]:
    if shutil.which("docker") is None:
        fix = "Only `yard image push` to AWS needs it; you can run its three commands on a machine that has docker."
        yield Diagnosis(what="docker", state="warning", says="not found", fix=fix)
    else:
        yield _ok("docker", "found")


def _credentials(aws: Aws) -> Iterator[Diagnosis]:
    where = f"the embedded cloud at {aws.endpoint}" if aws.endpoint else "AWS"
    yield _ok("account", f"{aws.account} in {aws.region}, {where}")


def _region(aws: Aws) -> Iterator[Diagnosis]:
    for service in ("sagemaker", "stepfunctions", "service-quotas", "ecr"):
        if aws.region not in aws.session.get_available_regions(service, aws.partition):
            fix = "Choose another region, or update boto3 if the region is new."
            yield Diagnosis(what="region", state="missing", says=f"{aws.region} has no {service}", fix=fix)


def bootstrap(aws: Aws) -> Iterator[Diagnosis]:
    """Whether CDK can deploy to this account and region."""
    from botocore.exceptions import ClientError

    fix = f"npx cdk bootstrap aws://{aws.account}/{aws.region}"
    try:
        version = int(aws.client("ssm").get_parameter(Name=_BOOTSTRAP_VERSION)["Parameter"]["Value"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        yield Diagnosis(what="bootstrap", state="missing", says="this account and region are not bootstrapped", fix=fix)
        return
    if version < _BOOTSTRAP_LEAST:
        yield Diagnosis(what="bootstrap", state="warning", says=f"version {version} is old", fix=fix)
    else:
        yield _ok("bootstrap", f"version {version}")


def _stacks(aws: Aws) -> Iterator[Diagnosis]:
    from yard.account.stacks import deployed_stacks

    found = deployed_stacks(aws)
    if found:
        yield _ok("stacks", f"{len(found)} deployed: {', '.join(stack.name for stack in found)}")
    else:
        yield Diagnosis(what="stacks", state="missing", says="nothing is deployed", fix=aws.project.deploy)


def _leftovers(aws: Aws) -> Iterator[Diagnosis]:
    """The stacks that the app no longer has: a deploy leaves them where they are."""
    from yard.account.stacks import leftover_stacks

    for stack in leftover_stacks(aws):
        says = f"{stack.name} is deployed and no longer in the app: it stays, and bills, until it is removed"
        yield Diagnosis(what="leftover", state="warning", says=says, fix="yard destroy --leftovers")


def _endpoints(aws: Aws) -> Iterator[Diagnosis]:
    """Whether each interface endpoint exists where the network stack puts it: one that does not fails the stack."""
    from shardyard.spec.catalogue.endpoint_services import domain_of, service_name
    from shardyard.spec.settings.endpoints import needed_endpoints

    settings = aws.project.settings
    services = needed_endpoints(settings)
    if not services:
        return
    ec2 = aws.client("ec2")
    names = {service_name(one, region=aws.region, domain=domain_of(one, aws.partition)): one for one in services}
    answer = ec2.describe_vpc_endpoint_services(Filters=[{"Name": "service-name", "Values": list(names)}])
    there = {one["ServiceName"]: set(one["AvailabilityZones"]) for one in answer["ServiceDetails"]}
    zones = {one["ZoneName"]: one["ZoneId"] for one in ec2.describe_availability_zones()["AvailabilityZones"]}
    used = _zones_with_endpoints(settings, zones)
    good = sorted(set(zones).intersection(*there.values()))
    for name, service in names.items():
        if name not in there:
            fix = "Take it out of network.interface_endpoints, or choose another region."
            yield Diagnosis(what="endpoint", state="missing", says=f"{aws.region} has no {name}", fix=fix)
            continue
        for zone in sorted(used - there[name]):
            says = f"{service} has no endpoint in {zone}, where the network stack puts one"
            fix = f"Set network.zone_names to zones that have all services: {', '.join(good)}"
            yield Diagnosis(what="endpoint", state="missing", says=says, fix=fix)


def _zones_with_endpoints(settings: "Settings", zones: Mapping[str, str]) -> set[str]:
    """The zones, by name, that get interface endpoints; `zones` are the account's names and ids."""
    names = {zone_id: name for name, zone_id in zones.items()}
    chosen = settings.network.zone_names or tuple(sorted(zones)[: settings.network.zones])
    return {names.get(zone, zone) for zone in chosen[: settings.endpoint_zones]}


def _quotas(aws: Aws) -> Iterator[Diagnosis]:
    from yard.account.quotas import table

    for row in table(aws):
        if row.state == "missing":
            says = f"{row.quota}: the jobs need {row.needed:g}, {row.granted or 0:g} granted"
            yield Diagnosis(what="quota", state="warning", says=says, fix="yard quota request")


def _images(aws: Aws) -> Iterator[Diagnosis]:
    """As at synth: the containers of AWS's that a job runs, and those that its image is built on."""
    from shardyard.spec.catalogue.support import support_warnings
    from shardyard.spec.catalogue.variants import read_bases

    containers, today = aws.project.root / "containers", datetime.now(UTC).date()
    for job in aws.project.jobs():
        folder = job.image.folder
        bases = {} if folder is None else read_bases(containers / folder)
        for _, says in support_warnings(job, bases, today):
            fix = "Move to a newer version."
            yield Diagnosis(what="image", state="warning", says=f"jobs/{job.name}.toml: {says}", fix=fix)


def _budget_tag(aws: Aws) -> Iterator[Diagnosis]:
    key = aws.project.settings.budget.tag_filter.partition("=")[0]
    if not key:
        return
    answer = aws.client("ce").list_cost_allocation_tags(TagKeys=[key])
    active = any(tag["Status"] == "Active" for tag in answer["CostAllocationTags"])
    if not active:
        says = f"budget.tag_filter counts {key!r}, which is not activated for billing: the budget sees nothing"
        fix = f"aws ce update-cost-allocation-tags-status --cost-allocation-tags-status TagKey={key},Status=Active"
        yield Diagnosis(what="budget", state="warning", says=says, fix=fix)


def _caps(aws: Aws) -> Iterator[Diagnosis]:
    """A misspelt owner has no cap, or that of every other."""
    settings = aws.project.settings
    owners = {settings.owner, *(job.owner for job in aws.project.jobs() if job.owner is not None)}
    for owner in sorted(settings.budget.per_owner.keys() - owners - {EVERY_OTHER}):
        says = f"budget.per_owner caps {owner!r}, and no job has this owner; {nearest(owner, sorted(owners))}"
        yield Diagnosis(what="budget", state="warning", says=says, fix="Correct the name, in cdk.json or in the job.")


_MACHINE: tuple[Check, ...] = (_python, _node, _cdk, _disk, _isolation, _docker)
_ACCOUNT: tuple[Check, ...] = (
    _credentials,
    _region,
    bootstrap,
    _endpoints,
    _stacks,
    _leftovers,
    _quotas,
    _images,
    _budget_tag,
    _caps,
)
