"""Names and ARNs of Step Functions: what the service takes, and its words for the rest."""

import re

from embedded.operations import ServiceError

_NAME = re.compile(r"^[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]{1,80}$")


def check_name(name: str) -> None:
    """Refuse a name with characters that no machine, execution or activity may have."""
    if not _NAME.match(name):
        raise ServiceError("InvalidName", f"Invalid Name: '{name}'")


def check(arn: str, *kinds: str) -> None:
    """Refuse what is no ARN of these kinds of resources."""
    parts = arn.split(":")
    if parts[0] != "arn":
        raise ServiceError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {arn}'")
    if len(parts) < 7 or parts[2] != "states":
        raise ServiceError("InvalidArn", f"Invalid Arn: '{arn}'")
    if parts[5] not in kinds:
        raise ServiceError("InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {parts[5]}'")


def split_machine(arn: str) -> tuple[str, str | None]:
    """A machine's ARN without its version or alias, and that."""
    check(arn, "stateMachine")
    parts = arn.split(":")
    return (arn, None) if len(parts) == 7 else (":".join(parts[:7]), ":".join(parts[7:]))


def execution(machine_arn: str, name: str) -> str:
    """The ARN of a standard machine's execution."""
    return machine_arn.replace(":stateMachine:", ":execution:") + f":{name}"


def express(machine_arn: str, name: str, run: str) -> str:
    """The ARN of an express machine's execution."""
    return machine_arn.replace(":stateMachine:", ":express:") + f":{name}:{run}"
