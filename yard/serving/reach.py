"""Whether an endpoint's role may read a model: its stack grants some places only, and SageMaker would say so late."""

from collections.abc import Iterable

from shardyard.spec.requests.endpoints import model_place
from yard.aws import Aws
from yard.errors import UserError
from yard.serving.endpoints import Standing, deployed_definition


def check_reach(aws: Aws, before: Standing, addresses: Iterable[str]) -> None:
    """Refuse a model that the endpoint's role, as it is deployed, may not read.

    The role follows from the definition that was deployed: the file may have changed since. A stack of another version
    tells nothing of it, and is left to SageMaker.
    """
    spec = deployed_definition(aws, before.stack)
    if spec is None:
        return
    readable = dict.fromkeys(_address(aws, model_place(spec, name)) for name in spec.variants)
    for address in addresses:
        if not address.startswith(tuple(readable)):
            raise UserError(
                f"The role of {spec.name} may not read {address}: it reads what lies below {' and '.join(readable)}.",
                f'Copy the model there; or name this one in endpoints/{spec.name}.toml, as [model] s3 = "...", and '
                f"deploy that first: npx cdk deploy {before.stack}",
            )


def _address(aws: Aws, place: str) -> str:
    return place if place.startswith("s3://") else f"s3://{aws.artifact_bucket()}/{place}"
