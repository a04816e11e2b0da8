"""What a training instance needs of the network to reach a file system."""

from collections.abc import Mapping, Sequence

PORTS: Mapping[str, Sequence[tuple[int, int]]] = {
    "FSxLustre": ((988, 988), (1018, 1023)),
    "EFS": ((2049, 2049),),
}
"""The TCP ports of each kind of file system (FSx for Lustre guide, file system access control with Amazon VPC; NFS)."""
