"""What a provider is given to do its work: where it is, how to call services, how to name things."""

import secrets
import string
from dataclasses import dataclass, field
from typing import Any

from embedded import clients
from embedded.access import roles

_ALPHABET = string.ascii_uppercase + string.digits
_SUFFIX_LENGTH = 12
_CLOUDFORMATION = "cloudformation.amazonaws.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """One resource's place in its stack."""

    account: str
    region: str
    partition: str
    stack_name: str
    stack_arn: str
    logical_id: str
    type: str
    role_arn: str | None = None
    """The role that CloudFormation uses; None for the account's root."""

    state: dict[str, Any] = field(default_factory=dict)
    """What the provider wants to remember of this resource until its next call."""

    begun: list[str] = field(default_factory=list)
    """The physical id, as soon as there is one: what a creation that fails half-way leaves to the rollback."""

    def begin(self, physical_id: str) -> str:
        """Say that something exists now under this physical id."""
        self.begun[:] = [physical_id]
        return physical_id

    @property
    def stack_tags(self) -> dict[str, str]:
        """The tags that tell whose a resource is; no service takes them from anybody else."""
        return {
            "aws:cloudformation:stack-name": self.stack_name,
            "aws:cloudformation:logical-id": self.logical_id,
            "aws:cloudformation:stack-id": self.stack_arn,
        }

    def client(self, service: str, region: str | None = None) -> Any:
        """A boto3 client of this cloud, as the stack's role if it has one."""
        where = self.region if region is None else region
        if self.role_arn is None:
            return clients.client(service, self.account, where)
        session = "AWSCloudFormation"
        return roles.client_as(self.role_arn, service=_CLOUDFORMATION, session=session, api=service, region=where)

    def name(self, limit: int = 64, *, lower: bool = False, separator: str = "-") -> str:
        """A name as CloudFormation makes one for a resource that has none: stack, logical id and a random end."""
        suffix = "".join(secrets.choice(_ALPHABET) for _ in range(_SUFFIX_LENGTH))
        room = limit - _SUFFIX_LENGTH - 2 * len(separator)
        stack, logical = self.stack_name, self.logical_id
        if len(stack) + len(logical) > room:
            # the logical id says what it is: the stack's name yields first, but both keep something
            logical = logical[: max(room // 2, room - len(stack))]
            stack = stack[: room - len(logical)]
        name = separator.join((stack, logical, suffix))
        return name.lower() if lower else name

    def arn(self, service: str, resource: str, *, region: str | None = None, account: str | None = None) -> str:
        """An ARN in this account and region."""
        where = self.region if region is None else region
        whose = self.account if account is None else account
        return f"arn:{self.partition}:{service}:{where}:{whose}:{resource}"
