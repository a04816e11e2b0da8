"""ECR: repositories."""

import json
from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import NotEmulated
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import fit, tag_changes, tag_list, to_template

_AT_CREATION = {
    "EncryptionConfiguration": "encryptionConfiguration",
    "ImageScanningConfiguration": "imageScanningConfiguration",
    "ImageTagMutability": "imageTagMutability",
}
_AFTERWARDS = ("LifecyclePolicy", "RepositoryPolicyText")
_ELSEWHERE = ("EmptyOnDelete", "RepositoryName", "Tags")


@provider
class Repository(Provider):
    """`AWS::ECR::Repository`."""

    type = "AWS::ECR::Repository"
    identifier = "RepositoryName"
    unread = frozenset({"EmptyOnDelete"})

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it, then its policies."""
        unknown = sorted(set(props) - set(_AT_CREATION) - set(_AFTERWARDS) - set(_ELSEWHERE))
        if unknown:
            raise NotEmulated(f"the embedded cloud does not emulate {', '.join(unknown)} of AWS::ECR::Repository")
        ecr = ctx.client("ecr")
        name = str(props.get("RepositoryName", ctx.name(128, lower=True)))
        shape = ecr.meta.service_model.operation_model("CreateRepository").input_shape
        options = {api: fit(props[key], shape.members[api], key) for key, api in _AT_CREATION.items() if key in props}
        ecr.create_repository(repositoryName=name, tags=tag_list(props.get("Tags")), **options)
        ctx.begin(name)
        self._set_policies(ecr, name, {}, props)
        return self._made(ecr, name)

    @staticmethod
    def _made(ecr: Any, name: str) -> Made:
        found = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
        return Made(
            physical_id=name,
            attributes={"Arn": found["repositoryArn"], "RepositoryUri": found["repositoryUri"]},
        )

    @staticmethod
    def _set_policies(ecr: Any, name: str, old: Props, new: Props) -> None:
        lifecycle = new.get("LifecyclePolicy", {}).get("LifecyclePolicyText")
        if lifecycle is not None:
            ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=lifecycle)
        elif "LifecyclePolicy" in old:
            ecr.delete_lifecycle_policy(repositoryName=name)
        policy = new.get("RepositoryPolicyText")
        if policy is not None:
            text = policy if isinstance(policy, str) else json.dumps(policy)
            ecr.set_repository_policy(repositoryName=name, policyText=text)
        elif "RepositoryPolicyText" in old:
            ecr.delete_repository_policy(repositoryName=name)

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change scanning, mutability, policies and tags."""
        ecr = ctx.client("ecr")
        if old.get("ImageScanningConfiguration") != new.get("ImageScanningConfiguration"):
            on = str(new.get("ImageScanningConfiguration", {}).get("ScanOnPush", "false")).lower() == "true"
            ecr.put_image_scanning_configuration(
                repositoryName=physical_id, imageScanningConfiguration={"scanOnPush": on}
            )
        if old.get("ImageTagMutability") != new.get("ImageTagMutability"):
            mutability = new.get("ImageTagMutability", "MUTABLE")
            ecr.put_image_tag_mutability(repositoryName=physical_id, imageTagMutability=mutability)
        self._set_policies(ecr, physical_id, old, new)
        made = self._made(ecr, physical_id)
        changed, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed:
            ecr.tag_resource(resourceArn=made.attributes["Arn"], tags=tag_list(changed))
        if removed:
            ecr.untag_resource(resourceArn=made.attributes["Arn"], tagKeys=removed)
        return made

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it; with its images only if the template says so."""
        force = str(props.get("EmptyOnDelete", "false")).lower() == "true"
        try:
            ctx.client("ecr").delete_repository(repositoryName=physical_id, force=force)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The repository with its policies."""
        ecr = ctx.client("ecr")
        try:
            raw = ecr.describe_repositories(repositoryNames=[physical_id])["repositories"][0]
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        found: Props = to_template(raw)
        if "LifecyclePolicy" in props:
            text = ecr.get_lifecycle_policy(repositoryName=physical_id)["lifecyclePolicyText"]
            found["LifecyclePolicy"] = {"LifecyclePolicyText": json.loads(text)}
        if "RepositoryPolicyText" in props:
            text = ecr.get_repository_policy(repositoryName=physical_id)["policyText"]
            found["RepositoryPolicyText"] = json.loads(text)
        found["Tags"] = tag_list(ecr.list_tags_for_resource(resourceArn=raw["repositoryArn"])["tags"])
        return found
