"""What a launch may override: one table of values, each with its names on the way.

`OVERRIDES` is the one table of these values: the execution's input, the stack's parameters, the options of
`yard train`, preflight, the receipt and the job file's page walk it. One more line makes one more value overridable.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shardyard.spec.tree import has_field

if TYPE_CHECKING:  # the command reads the table for its options, and --help should not load the job definition
    from shardyard.spec.jobs.launched import LaunchedSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Override:
    """One value that may be overridden. Its type and its limits are those of the job's own field."""

    name: str
    """The key in the execution's input and in the receipt."""
    path: str
    """The path in the job's file."""
    doc: str
    """The description, for the option's help and the job file's page."""
    option: str | None = None
    """The option of `yard train`; None if only the execution's input can set it."""
    alias: str | None = None
    """An alias of the option."""
    metavar: str | None = None
    """The option's metavar; None for an on/off switch."""
    parameter: str | None = None
    """The suffix of the stack parameter's name. A stack has room for 180 parameters and forty jobs: four per job."""
    says: str = ""
    """The allowed values of the parameter, in words."""
    pattern: str = ".+"
    """The pattern that CloudFormation checks; a switch lists its values, and a job knows the types it takes."""


OVERRIDES: tuple[Override, ...] = (
    Override(
        name="instance_type",
        path="compute.instance_type",
        doc="Another instance type.",
        option="--instance",
        metavar="TYPE",
        parameter="InstanceType",
        says="an instance type that the job's rules accept",
    ),
    Override(
        name="instance_count",
        path="compute.count",
        doc="Another number of instances.",
        option="--count",
        alias="--nodes",
        metavar="N",
        parameter="InstanceCount",
        says="a number of instances from 1 to 9999",
        pattern="[1-9][0-9]{0,3}",
    ),
    Override(
        name="spot",
        path="spot.enabled",
        doc="Spot, or not.",
        option="--spot/--on-demand",
        parameter="Spot",
        says="true or false",
    ),
    Override(
        name="max_runtime_seconds",
        path="limits.max_runtime",
        doc="Another longest runtime: 30m, 4h.",
        option="--max-runtime",
        metavar="TIME",
        parameter="MaxRuntimeSeconds",
        says="seconds, up to 28 days",
        pattern="[1-9][0-9]{0,6}",
    ),
    Override(
        name="cap_usd",
        path="cost.cap_usd",
        doc="Refuse a worst-case cost above this many USD.",
        option="--cap",
        alias="--max-cost",
        metavar="USD",
    ),
    Override(
        name="processes_per_node",
        path="program.processes_per_node",
        doc="Another number of processes per node.",
        option="--processes-per-node",
        metavar="N",
    ),
    Override(
        name="arguments",
        path="program.arguments",
        doc="Other arguments, as one text: 'config.py --fast --lr=0.1'.",
        option="--arguments",
        metavar="WORDS",
    ),
    Override(name="volume", path="compute.volume", doc="Another disk: 200GB.", option="--volume", metavar="SIZE"),
    Override(name="source_sha256", path="source.sha256", doc="Another code bundle."),
)
"""Every overridable value besides hyperparameters and environment variables, whose names are free."""

FREE_TABLES = ("hyperparameters", "environment")
INPUTS = "inputs"
"""The table of a processing job's inputs, whose addresses a launch may name."""


def overrides_of(cls: "type[LaunchedSpec]") -> tuple[Override, ...]:
    """The values that a launch of this kind of job may override: those that its definition has."""
    return tuple(one for one in OVERRIDES if has_field(cls, one.path))


def free_tables_of(cls: "type[LaunchedSpec]") -> tuple[str, ...]:
    """The tables of this kind of job whose keys are free."""
    return tuple(table for table in FREE_TABLES if has_field(cls, table))
