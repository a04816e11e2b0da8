"""The full names of the services behind interface endpoints."""

CN_NAMES = frozenset({"ecr.api", "ecr.dkr", "monitoring", "sagemaker.api", "sagemaker.runtime", "states", "sts"})
"""Services whose endpoints' names begin with `cn.` in AWS's regions in China, as aws-cdk-lib 2.275 lists them."""

OF_SAGEMAKER = {"sagemaker.experiments": "experiments"}
"""Services whose endpoints' names begin with `aws.sagemaker`, as aws-cdk-lib 2.275 lists them."""


def service_name(service: str, *, region: str, domain: str) -> str:
    """The name of EC2's short name of a service; `domain` is `com.amazonaws`, or with `cn.` before it."""
    own = OF_SAGEMAKER.get(service)
    return f"{domain}.{region}.{service}" if own is None else f"aws.sagemaker.{region}.{own}"


def domain_of(service: str, partition: str) -> str:
    """What the name of a service's endpoint begins with in a partition."""
    return "cn.com.amazonaws" if partition == "aws-cn" and service in CN_NAMES else "com.amazonaws"
