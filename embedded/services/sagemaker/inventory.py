"""What the inventory lists of this service."""

from embedded import inventory

inventory.listed(
    "code repositories", "sagemaker", "list_code_repositories", "CodeRepositorySummaryList", "CodeRepositoryName"
)
inventory.listed(
    "endpoint configurations", "sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"
)
inventory.listed("endpoints", "sagemaker", "list_endpoints", "Endpoints", "EndpointName")
inventory.listed(
    "lifecycle configurations",
    "sagemaker",
    "list_notebook_instance_lifecycle_configs",
    "NotebookInstanceLifecycleConfigs",
    "NotebookInstanceLifecycleConfigName",
)
inventory.listed(
    "model package groups",
    "sagemaker",
    "list_model_package_groups",
    "ModelPackageGroupSummaryList",
    "ModelPackageGroupName",
)
inventory.listed("models", "sagemaker", "list_models", "Models", "ModelName")
inventory.listed(
    "notebook instances", "sagemaker", "list_notebook_instances", "NotebookInstances", "NotebookInstanceName"
)
inventory.listed("pipelines", "sagemaker", "list_pipelines", "PipelineSummaries", "PipelineName")
