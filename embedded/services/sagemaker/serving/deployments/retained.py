"""What an update keeps of the variants in service: RetainAllVariantProperties and its exclusions."""

from embedded.operations import Params, ServiceError
from embedded.services.sagemaker.serving.fleets.generation import Generation


def take_over(made: Generation, current: Generation, params: Params) -> None:
    """Give the new fleets the weights, counts and capture of the old ones, where the request says so."""
    excluded = {one["VariantPropertyType"] for one in params.get("ExcludeRetainedVariantProperties", ())}
    if excluded and not params.get("RetainAllVariantProperties"):
        raise ServiceError(
            "ValidationException", "ExcludeRetainedVariantProperties needs RetainAllVariantProperties to be true."
        )
    if not params.get("RetainAllVariantProperties"):
        return
    for name in made.fleets.keys() & current.fleets.keys():
        if "DesiredInstanceCount" not in excluded and made.fleets[name].plan.serverless is None:
            made.desired[name] = current.desired[name]
        if "DesiredWeight" not in excluded:
            made.weights[name] = current.weights[name]
    if "DataCaptureConfig" not in excluded and current.capture is not None:
        made.request = {**made.request, "DataCaptureConfig": current.capture}
