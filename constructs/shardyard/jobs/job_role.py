"""What a job runs as: a role that is made for it, or one that a team has."""

from collections.abc import Sequence
from functools import cached_property
from typing import cast

from aws_cdk import aws_iam as iam
from constructs import Construct

from shardyard.core import policy
from shardyard.core.roles import THIS_ACCOUNT, role_view, service_role
from shardyard.foundation.placement import Placement
from shardyard.jobs.runtime import JobRuntime
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import ServiceJob


class JobRole:
    """One role with what this job alone needs; what all jobs need, a role of ours has from a policy that they share."""

    def __init__(
        self,
        job: Construct,
        *,
        given: iam.IRole | None,
        machine_name: str,
        runtime: JobRuntime,
        of: ServiceJob,
        placement: Placement | None,
        statements: Sequence[policy.Statement],
    ) -> None:
        """Its resources become children of the job: their ids are a contract."""
        self._job, self._given = job, given
        self._made: iam.CfnRole | None = None
        self._policy: iam.CfnPolicy | iam.CfnManagedPolicy
        self._path = names.job_role_path(runtime.project.name, runtime.project.stage)
        self._shared: list[policy.Statement] = []
        if given is None:
            self._policy, self._made = service_role(
                job,
                "",
                project=runtime.project,
                service="sagemaker.amazonaws.com",
                when=THIS_ACCOUNT,
                allows=f"{of.noun.capitalize()}s of {machine_name}",
                description=f"{of.noun.capitalize()}s of {machine_name}",
                statements=statements,
                shared_policy_arns=[runtime.job_policy_arn(of, placement)],
                path=self._path,
            )
            self.arn: str = self._made.attr_arn
        else:
            self._shared = runtime.job_statements(of, placement)
            self._policy = self._inline(given, statements)
            self.arn = given.role_arn

    @property
    def is_given(self) -> bool:
        """Whether a team had the role before."""
        return self._given is not None

    @property
    def resources(self) -> int:
        """How many resources it adds to the job's stack."""
        return 1 if self._made is None else 2

    @cached_property
    def view(self) -> iam.IRole:
        """The role as CDK's own type, made when asked for."""
        if self._given is not None:
            return self._given
        assert self._made is not None
        return role_view(self._job, "RoleView", self._made, path=self._path)

    def allow_only(self, statements: Sequence[policy.Statement]) -> None:
        """Replace what the job's own policy allows."""
        self._policy.policy_document = policy.document([*statements, *self._shared])

    def _inline(self, role: iam.IRole, statements: Sequence[policy.Statement]) -> iam.CfnPolicy:
        """Let a role that was given do what the job needs; one that CDK may not change stays as it is.

        Inline, because a managed policy would be named in the role: its stack would depend on this one, and this one
        depends on it.
        """
        document = iam.PolicyDocument.from_json(policy.document([*statements, *self._shared]))
        inline = iam.Policy(self._job, "Policy", document=document)
        role.attach_inline_policy(inline)
        return cast(iam.CfnPolicy, inline.node.default_child)
