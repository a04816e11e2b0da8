"""SageMaker: notebooks and their repositories, model groups and pipelines."""

from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import ResourceError
from embedded.cloudformation.providers.base import Made, Props
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import without
from embedded.services.sagemaker.tagged import Tagged


class _CodeRepository(Tagged):
    """A repository: of its address and its secret only the secret can be changed."""

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change the secret, and the tags."""
        return super().update(physical_id, _only_secret(old), _only_secret(new), ctx)


def _only_secret(props: Props) -> Props:
    return {**props, "GitConfig": {key: value for key, value in props["GitConfig"].items() if key == "SecretArn"}}


_CodeRepository(
    type="AWS::SageMaker::CodeRepository",
    service="sagemaker",
    create_operation="CreateCodeRepository",
    describe_operation="DescribeCodeRepository",
    update_operation="UpdateCodeRepository",
    delete_operation="DeleteCodeRepository",
    name="CodeRepositoryName",
    ref="CodeRepositoryArn",
    attributes={"CodeRepositoryName": "CodeRepositoryName"},
    arn="CodeRepositoryArn",
)
Tagged(
    type="AWS::SageMaker::NotebookInstanceLifecycleConfig",
    service="sagemaker",
    create_operation="CreateNotebookInstanceLifecycleConfig",
    describe_operation="DescribeNotebookInstanceLifecycleConfig",
    update_operation="UpdateNotebookInstanceLifecycleConfig",
    delete_operation="DeleteNotebookInstanceLifecycleConfig",
    name="NotebookInstanceLifecycleConfigName",
    ref="NotebookInstanceLifecycleConfigArn",
    attributes={"NotebookInstanceLifecycleConfigName": "NotebookInstanceLifecycleConfigName"},
    arn="NotebookInstanceLifecycleConfigArn",
)
Tagged(
    type="AWS::SageMaker::ModelPackageGroup",
    service="sagemaker",
    create_operation="CreateModelPackageGroup",
    describe_operation="DescribeModelPackageGroup",
    delete_operation="DeleteModelPackageGroup",
    name="ModelPackageGroupName",
    ref="ModelPackageGroupArn",
    attributes={
        "ModelPackageGroupArn": "ModelPackageGroupArn",
        "ModelPackageGroupStatus": "ModelPackageGroupStatus",
        "CreationTime": "CreationTime",
    },
    arn="ModelPackageGroupArn",
)


class _Notebook(Tagged):
    """A notebook instance: CloudFormation stops it to change it or to delete it."""

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Stop it, change it, start it."""
        sagemaker, name = ctx.client("sagemaker"), self._name(physical_id)
        changed = without(old, "Tags") != without(new, "Tags")
        runs = sagemaker.describe_notebook_instance(NotebookInstanceName=name)["NotebookInstanceStatus"] == "InService"
        if changed and runs:
            sagemaker.stop_notebook_instance(NotebookInstanceName=name)
        try:
            return super().update(physical_id, old, new, ctx)
        finally:
            if changed and runs:
                sagemaker.start_notebook_instance(NotebookInstanceName=name)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Stop it and delete it."""
        sagemaker, name = ctx.client("sagemaker"), self._name(physical_id)
        try:
            found = sagemaker.describe_notebook_instance(NotebookInstanceName=name)
        except ClientError as error:
            if is_absent(error) or "RecordNotFound" in str(error):
                return
            raise
        if found["NotebookInstanceStatus"] == "InService":
            sagemaker.stop_notebook_instance(NotebookInstanceName=name)
        sagemaker.delete_notebook_instance(NotebookInstanceName=name)


_Notebook(
    type="AWS::SageMaker::NotebookInstance",
    service="sagemaker",
    create_operation="CreateNotebookInstance",
    describe_operation="DescribeNotebookInstance",
    update_operation="UpdateNotebookInstance",
    delete_operation="DeleteNotebookInstance",
    name="NotebookInstanceName",
    ref="NotebookInstanceArn",
    attributes={"NotebookInstanceName": "NotebookInstanceName", "NotebookInstanceArn": "NotebookInstanceArn"},
    answered={"LifecycleConfigName": "NotebookInstanceLifecycleConfigName", "SecurityGroupIds": "SecurityGroups"},
    fixed_at_creation=frozenset(
        {"DirectInternetAccess", "KmsKeyId", "PlatformIdentifier", "SecurityGroupIds", "SubnetId"}
    ),
    arn="NotebookInstanceArn",
)


class _Pipeline(Tagged):
    """A pipeline: its definition is text, or lies in S3."""

    def parameters(self, props: Props, ctx: Context) -> dict[str, Any]:
        """Take the definition out of its envelope."""
        params = super().parameters(without(props, "PipelineDefinition"), ctx)
        definition = props.get("PipelineDefinition", {})
        if "PipelineDefinitionBody" in definition:
            params["PipelineDefinition"] = definition["PipelineDefinitionBody"]
        elif "PipelineDefinitionS3Location" in definition:
            params["PipelineDefinitionS3Location"] = {
                {"Key": "ObjectKey", "Version": "VersionId"}.get(key, key): value
                for key, value in definition["PipelineDefinitionS3Location"].items()
                if key != "ETag"
            }
        else:
            raise ResourceError("PipelineDefinition needs PipelineDefinitionBody or PipelineDefinitionS3Location")
        return params

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """Put the definition back into its envelope."""
        found = super().read(physical_id, props, ctx)
        if found is not None:
            body = found.pop("PipelineDefinition", None)
            inside = "PipelineDefinitionBody" in props.get("PipelineDefinition", {})
            found["PipelineDefinition"] = {"PipelineDefinitionBody": body} if inside else props["PipelineDefinition"]
        return found


_Pipeline(
    type="AWS::SageMaker::Pipeline",
    service="sagemaker",
    create_operation="CreatePipeline",
    describe_operation="DescribePipeline",
    update_operation="UpdatePipeline",
    delete_operation="DeletePipeline",
    name="PipelineName",
    arn="PipelineArn",
    tokens=True,
    name_limit=256,
)
