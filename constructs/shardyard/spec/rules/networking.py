"""Rules about the network: isolation, VPC, EFA."""

from collections.abc import Iterator, Sequence

from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.rules.base import API, GUIDE, Facts, known_types, rule

_VPC = f"{GUIDE}, give training jobs access to resources in a VPC"


@rule(
    "isolation-without-network-users",
    reason="An isolated container reaches nothing but its peers, so these would fail inside the job.",
    source=f"{API}: EnableNetworkIsolation, `No inbound or outbound network calls can be made`",
)
def isolation_without_network_users(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job in network isolation asks for nothing that needs the network."""
    if not spec.network.isolation:
        return
    if spec.mlflow is not None:
        yield Problem("network.isolation", "MLflow is reached over the network (remove [mlflow], or set it to false)")
    if spec.secrets:
        message = "Secrets Manager is reached over the network (remove [secrets], or set it to false)"
        yield Problem("network.isolation", message)
    if spec.debug.remote:
        message = "remote debugging is reached over the network (set debug.remote or this to false)"
        yield Problem("network.isolation", message)


@rule(
    "debug-reaches-systems-manager",
    reason="The agent in the container reaches nobody, and the shell never opens.",
    source=f"{GUIDE}, remote debugging, `SSM access with AWS PrivateLink`",
)
def debug_reaches_systems_manager(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Remote debugging in the project's own VPC has interface endpoints of Systems Manager."""
    missing = _unreachable(spec, facts, ("ssm", "ssmmessages")) if spec.debug.remote else ()
    if missing:
        message = f"the project's VPC has no way to {' and '.join(missing)}"
        yield Problem("debug.remote", f"{message} (add to network.interface_endpoints, or set network.vpc to false)")


@rule(
    "mlflow-reaches-its-server",
    reason="The program waits for the tracking server until it gives up.",
    source=f"{GUIDE}, MLflow, interface VPC endpoints; aws-cdk-lib 2.275 names it SAGEMAKER_EXPERIMENTS",
)
def mlflow_reaches_its_server(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """MLflow in the project's own VPC has its interface endpoint."""
    if spec.mlflow is not None and _unreachable(spec, facts, ("sagemaker.experiments",)):
        message = "the project's VPC has no way to sagemaker.experiments"
        yield Problem("mlflow", f"{message} (add to network.interface_endpoints, or set network.vpc to false)")


@rule(
    "secrets-reach-secrets-manager",
    reason="The launcher waits for a secret until it gives up, and the instances bill.",
    source="Secrets Manager user guide, VPC endpoint: com.amazonaws.<region>.secretsmanager",
    of=LaunchedSpec,
)
def secrets_reach_secrets_manager(spec: LaunchedSpec, facts: Facts) -> Iterator[Problem]:
    """A job with [secrets] in the project's own VPC has the interface endpoint of Secrets Manager."""
    if spec.secrets and _unreachable(spec, facts, ("secretsmanager",)):
        message = "the project's VPC has no way to secretsmanager"
        yield Problem("secrets", f"{message} (add to network.interface_endpoints, or set network.vpc to false)")


def _unreachable(spec: LaunchedSpec, facts: Facts, services: Sequence[str]) -> list[str]:
    """Which of these services a job in the project's own VPC does not reach."""
    if not spec.network.vpc or facts.reachable_services is None:
        return []
    return [service for service in services if service not in facts.reachable_services]


@rule(
    "file-system-in-vpc",
    reason="FSx and EFS are reached through a VPC only.",
    source=f"{API}: FileSystemDataSource; {_VPC}",
)
def file_system_in_vpc(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A channel from a file system needs the VPC."""
    for name, channel in spec.channels.items():
        if channel.file_system is None:
            continue
        if not spec.network.vpc:
            yield Problem("network.vpc", f"the channel {name} is a file system, which needs the VPC (set it to true)")
        elif facts.has_network is False:
            yield Problem(f"channels.{name}", "a file system needs a VPC, and the project has none")


@rule(
    "efa-group-allows-itself",
    reason="EFA traffic that the security group does not allow in both directions hangs the first collective.",
    source="awsome-distributed-ai issue 546: self-referencing ingress and egress",
    by_type=True,
)
def efa_group_allows_itself(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Several instances with EFA in a VPC have a security group that lets its members talk, in and out."""
    if spec.compute.most_instances < 2 or not spec.network.vpc or facts.group_allows_itself is not False:
        return
    for where, instance in known_types(spec):
        if instance.efa_interfaces:
            message = f"{instance.name} uses EFA, and the security group does not allow itself in both directions"
            yield Problem(where, message)


@rule(
    "efa-where-it-is",
    reason="The provider fails to start, and with it every rank.",
    source="the catalogue of instances; the public lab that set FI_PROVIDER=efa on ml.p3.16xlarge",
    by_type=True,
)
def efa_where_it_is(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job uses EFA only on instance types that have it, and in the VPC."""
    if spec.environment.get("FI_PROVIDER", "").lower() != "efa":
        return
    for _, instance in known_types(spec):
        if not instance.efa_interfaces:
            yield Problem("environment.FI_PROVIDER", f"{instance.name} has no EFA (remove it)")
    if not spec.network.vpc or facts.has_network is False:
        message = "EFA between instances needs the VPC with its self-referencing security group (network.vpc = true)"
        yield Problem("environment.FI_PROVIDER", message)


@rule(
    "subnet-addresses",
    reason="SageMaker finds no address for an instance, and the job fails before it starts.",
    source=f"{_VPC}, `Ensure That Subnets Have Enough IP Addresses`: 5 for each instance with EFA, 2 for each other",
    by_type=True,
    of=LaunchedSpec,
)
def subnet_addresses(spec: LaunchedSpec, facts: Facts) -> Iterator[Problem]:
    """In the VPC the largest subnet has two addresses for each instance, and five for each with EFA."""
    if facts.subnet_addresses is None or not spec.network.vpc:
        return
    for cluster in spec.compute.alternatives:
        needed = sum(count * _addresses(kind) for kind, count in cluster)
        if needed > facts.subnet_addresses:
            named = " + ".join(f"{count} x {kind}" for kind, count in cluster)
            have = f"the largest subnet has {facts.subnet_addresses}"
            message = f"{named} take {needed} addresses, and {have} (use fewer instances, or a larger subnet)"
            yield Problem("compute", message)


def _addresses(instance_type: str) -> int:
    known = INSTANCES.get(instance_type)
    return 5 if known is not None and known.efa_interfaces else 2
