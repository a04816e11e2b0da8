"""The network stack: the project's VPC, or its security group in an existing one."""

from collections.abc import Sequence

from aws_cdk import Fn
from constructs import Construct

from shardyard.core.outputs import add_output
from shardyard.foundation.network import Network
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage import Storage
from shardyard.spec.settings.endpoints import needed_endpoints
from shardyard.spec.settings.settings import Settings

from .base import ProjectStack


class NetworkStack(ProjectStack):
    """Where training runs."""

    def __init__(
        self, scope: Construct, *, settings: Settings, storage: Storage, file_systems: Sequence[str] = ()
    ) -> None:
        """`file_systems` are the kinds that channels of jobs mount."""
        super().__init__(scope, "network", settings=settings, description="Isolated network for training")
        network = settings.network
        if network.kind == "existing":
            self.placement = Placement.in_subnets(
                self, "Network", vpc_id=network.vpc_id, subnet_ids=network.subnet_ids, file_systems=file_systems
            )
        else:
            self.placement = Network(
                self,
                "Network",
                project=self.project,
                key=storage.key,
                cidr=network.cidr,
                subnet_cidrs=network.subnet_ranges(),
                interface_endpoints=needed_endpoints(settings),
                endpoint_zones=settings.endpoint_zones,
                file_systems=file_systems,
                zones=network.zone_names,
            ).placement
        add_output(self, "VpcId", self.placement.vpc_id, "The VPC that training runs in")
        add_output(self, "SubnetIds", Fn.join(",", list(self.placement.subnet_ids)), "Its subnets")
        add_output(self, "SecurityGroupIds", Fn.join(",", list(self.placement.security_group_ids)), "The nodes' groups")
