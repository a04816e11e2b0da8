"""Route tables, as EC2 describes them."""

from moto.ec2.models import route_tables

from embedded import moto_patches


class RouteTable(route_tables.RouteTable):  # type: ignore[misc]
    """moto's route table, with the list of gateways that propagate routes to it: none, and never left out."""

    propagating_vgws: tuple[()] = ()


moto_patches.replace(route_tables, "RouteTable", RouteTable, reason="it leaves an empty list out of its answers")
