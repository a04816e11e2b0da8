"""What all jobs share: the functions behind their state machines, and the resources that are one for all jobs."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Self, cast

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk.interfaces.aws_sns import ITopicRef
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import REGION, arn, key_arn, topic_arn
from shardyard.core.assets import add_file
from shardyard.core.function import CustomResource, HandlerFunction
from shardyard.core.project import Project
from shardyard.foundation.permissions import Access
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage_base import Places, StorageBase
from shardyard.jobs.functions import FUNCTIONS, Surroundings
from shardyard.jobs.job_permissions import common_statements, launch_statements
from shardyard.jobs.layer import add_botocore_layer
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import ServiceJob
from shardyard.spec.owners import cap_of

_STEPS = ("preflight", "classify", "receipt", "submit", "register")


class JobRuntime(Construct):
    """The functions that check, classify, account for and clean up launches; some are made when a job needs them."""

    launch_policy_arn: str
    """What every state machine may do."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        storage: StorageBase,
        alerts: ITopicRef | None = None,
        cap_usd: float = 500.0,
        owner_caps: Mapping[str, float] | None = None,
        dashboard_name: str | None = None,
        outside_buckets: Sequence[str] = (),
    ) -> None:
        """`outside_buckets` are those that jobs read besides the project's own; preflight looks into them.

        Launches tell on `alerts` how they ended. Without it nobody is told: no state of a machine, no alarm and no
        permission is about a topic. A launch whose worst case costs more than `cap_usd` is refused, and so is one
        that passes what its owner may spend in a month (`owner_caps`, by owner, `*` for every other). `dashboard_name`
        may be a reference to the dashboard that receipts link to.
        """
        super().__init__(scope, construct_id)
        self.project, self.storage, self.cap_usd = project, storage, cap_usd
        self.owner_caps: Mapping[str, float] = {} if owner_caps is None else owner_caps
        self.topic_arn = None if alerts is None else topic_arn(alerts)
        self.dashboard_name = (
            names.dashboard_name(project.name, project.stage, REGION) if dashboard_name is None else dashboard_name
        )
        self._around = Surroundings(
            project=project,
            storage=storage,
            topic_arn=self.topic_arn,
            outside_buckets=outside_buckets,
            keeps_ledger=bool(self.owner_caps),
        )
        self._functions: dict[str, HandlerFunction] = {}
        self._arns: dict[str, str] = {}
        self._job_policies: dict[str, str] = {}
        self.places: Places = storage.places
        self.log_key_arn = None if storage.log_key is None else key_arn(storage.log_key)
        self._bundles: set[str] = set()
        self.jobs: dict[str, Callable[[], None]] = {}
        """The jobs that share this runtime by name, each with what writes its permissions anew."""
        self._sources: CustomResource | None = None
        self._launches: dict[str, CustomResource] = {}
        self._machines: dict[str, list[dict[str, str]]] = {}
        for handler in ("preflight", "classify", "receipt"):
            self._function(handler)
        self._launch_policy = self._managed_policy("LaunchPolicy", "What every job's state machine may do", [])
        self.launch_policy_arn = self._launch_policy.ref
        self._allow_launches()
        self._clean_up()
        self._keep_quota_codes()
        root = cast(Construct, self.node.root)
        _Registered(root, _registry_id(project), runtime=self)

    @classmethod
    def of(cls, scope: Construct, project: Project, *, storage: StorageBase, alerts: ITopicRef | None = None) -> Self:
        """The runtime that the project's jobs share in this app; where it has none, this stack gets it.

        One that is made here stands on this storage, and tells on `alerts` where a topic was given.
        """
        found = scope.node.root.node.try_find_child(_registry_id(project))
        if isinstance(found, _Registered):
            return cast(Self, found.runtime)
        construct_id = f"Runtime-{project.prefix}"
        return cls(cdk.Stack.of(scope), construct_id, project=project, storage=storage, alerts=alerts)

    def owner_cap_usd(self, owner: str) -> float | None:
        """The most that the launches of an owner may cost in a month; None without such a cap."""
        return cap_of(self.owner_caps, owner)

    def read_from(self, buckets: Sequence[str], keys: Sequence[str] = ()) -> None:
        """Let preflight look into buckets that a job reads besides the project's own, and use their keys."""
        missing = [bucket for bucket in buckets if bucket not in self._around.outside_buckets]
        unknown = [key for key in keys if key not in self._around.outside_keys]
        if missing or unknown:
            outside = [*self._around.outside_buckets, *missing]
            known = [*self._around.outside_keys, *unknown]
            self._around = replace(self._around, outside_buckets=outside, outside_keys=known)
            self._functions["preflight"].allow_only(FUNCTIONS["preflight"](self._around).statements)

    def look_for(self, secrets: Sequence[str]) -> None:
        """Let preflight see whether the secrets of a job are there; their values it cannot read."""
        missing = [secret for secret in secrets if secret not in self._around.secrets]
        if missing:
            self._around = replace(self._around, secrets=[*self._around.secrets, *missing])
            self._functions["preflight"].allow_only(FUNCTIONS["preflight"](self._around).statements)

    def submit_with(self, role_arn: str) -> None:
        """Let the second path start training jobs with a role that was given to a job."""
        self.function_arn("submit")
        if role_arn not in self._around.given_roles:
            self._around = replace(self._around, given_roles=[*self._around.given_roles, role_arn])
            self._functions["submit"].allow_only(FUNCTIONS["submit"](self._around).statements)

    def submit_on(self, training_plans: Sequence[str]) -> None:
        """Let the second path start training jobs on these plans."""
        self.function_arn("submit")
        known = (*self._around.training_plans, *training_plans)
        self._around = replace(self._around, training_plans=tuple(dict.fromkeys(known)))
        self._functions["submit"].allow_only(FUNCTIONS["submit"](self._around).statements)

    def function_arn(self, handler: str) -> str:
        """The ARN of a step's function; `submit` and `register` are made when the first job needs them."""
        if handler not in self._functions:
            function = self._function(handler)
            if handler == "submit":
                function.resource.layers = [add_botocore_layer(self, "Botocore").ref]
            self._allow_launches()
        return self._arns[handler]

    def job_statements(self, of: ServiceJob, placement: Placement | None) -> list[policy.Statement]:
        """What every job of a kind may do, in the VPC or outside."""
        access = Access(project=self.project, storage=self.storage, registry=None, placement=placement)
        return common_statements(access, of, vpc=placement is not None)

    def job_policy_arn(self, of: ServiceJob, placement: Placement | None) -> str:
        """The policy of these statements, one for all jobs of the kind."""
        construct_id = of.kind.capitalize() + ("" if placement is None else "InVpc")
        if construct_id not in self._job_policies:
            self._job_policies[construct_id] = self._managed_policy(
                construct_id,
                f"What every {of.noun} may do" + ("" if placement is None else " in the VPC"),
                self.job_statements(of, placement),
            ).ref
        return self._job_policies[construct_id]

    def serve(self, of: ServiceJob) -> None:
        """Let the functions and the state machines launch this kind of job as well."""
        if of not in self._around.kinds:
            self._around = replace(self._around, kinds=[*self._around.kinds, of])
            for name, function in self._functions.items():
                made = FUNCTIONS[name](self._around)
                function.allow_only(made.statements)
                if made.environment is not None:
                    function.set_environment(made.environment)
            self._allow_launches()

    def add_bundle(self, bundle: bytes) -> str:
        """Have a zip of code put into the artifact bucket by the deploy; returns its hash."""
        sha256 = hashlib.sha256(bundle).hexdigest()
        if sha256 not in self._bundles:
            self._bundles.add(sha256)
            if self._sources is None:
                self._sources = CustomResource(
                    self,
                    "Sources",
                    kind="SourceBundles",
                    function=self._function("source"),
                    properties={"Bucket": self.places.artifact_bucket},
                )
            self._sources.add_property_override(f"Bundles.{sha256}", self._asset(sha256, bundle))
        return sha256

    def launch_on_deploy(self, stack: cdk.Stack, machine_arn: str, digest: str) -> None:
        """Have the deploy of a machine's stack start it whenever its definition has changed."""
        place = stack.node.addr
        if place not in self._launches:
            # In the machine's own stack: ours is deployed before it and cannot wait for a machine of another
            scope = self if place == cdk.Stack.of(self).node.addr else stack
            function = self._functions["launch"] if "launch" in self._functions else self._function("launch")
            self._launches[place] = CustomResource(scope, "Launches", kind="Launches", function=function, properties={})
        machines = self._machines.setdefault(place, [])
        machines.append({"Arn": machine_arn, "Digest": digest})
        self._launches[place].add_property_override("Machines", machines)

    def _function(self, name: str) -> HandlerFunction:
        made = FUNCTIONS[name](self._around)
        self._functions[name] = HandlerFunction(
            self,
            "".join(word.capitalize() for word in name.split("_")),
            project=self.project,
            handler=made.handler,
            name=name.replace("_", "-"),
            description=made.description,
            statements=made.statements,
            key=self.storage.log_key,
            environment=made.environment,
            timeout_seconds=made.timeout_seconds,
            memory_mb=made.memory_mb,
        )
        self._arns[name] = self._functions[name].arn
        return self._functions[name]

    def _managed_policy(
        self, construct_id: str, description: str, statements: Sequence[policy.Statement]
    ) -> iam.CfnManagedPolicy:
        return iam.CfnManagedPolicy(
            self, construct_id, description=description, policy_document=policy.document(statements)
        )

    def _allow_launches(self) -> None:
        statements = launch_statements(
            function_arns=[self._arns[step] for step in _STEPS if step in self._arns],
            topic_arn=self.topic_arn,
            places=self.places,
            kinds=self._around.kinds,
        )
        self._launch_policy.policy_document = policy.document(statements)

    def _clean_up(self) -> None:
        """Wake the janitor when an execution ended without an answer."""
        function = self._function("janitor")
        machines = names.state_machine_name(self.project.name, self.project.stage, "")
        rule = events.CfnRule(
            self,
            "StoppedExecutions",
            name=names.rule_name(self.project.name, self.project.stage, "stopped-executions"),
            description="An execution ended without an answer: stop the training jobs that it made",
            event_pattern={
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {
                    "status": ["ABORTED", "FAILED", "TIMED_OUT"],
                    "stateMachineArn": [{"prefix": arn("states", f"stateMachine:{machines}")}],
                },
            },
            targets=[events.CfnRule.TargetProperty(id="janitor", arn=function.arn)],
        )
        function.allow_invoke("MayBeWoken", service="events.amazonaws.com", source_arn=rule.attr_arn)

    def _keep_quota_codes(self) -> None:
        CustomResource(
            self,
            "QuotaCodeMap",
            kind="QuotaCodes",
            function=self._function("quota_codes"),
            properties={"Bucket": self.places.artifact_bucket, "Key": names.QUOTA_CODES_KEY},
        )

    def _asset(self, sha256: str, bundle: bytes) -> dict[str, str]:
        bucket, key = add_file(self, digest=sha256, content=lambda: bundle, display_name="source bundle")
        return {"Bucket": bucket, "Key": key}


def _registry_id(project: Project) -> str:
    """A child of the app that is there once this project has its runtime, whose functions have names for one only."""
    return f"Runtime of {project.name} {project.stage}"


class _Registered(Construct):
    """Remembers a project's runtime in the tree of constructs; it has no resources."""

    def __init__(self, scope: Construct, construct_id: str, *, runtime: JobRuntime) -> None:
        super().__init__(scope, construct_id)
        self.runtime = runtime
