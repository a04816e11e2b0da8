"""How the front reads and answers requests to this service."""

from embedded import traits


@traits.told_apart("sagemaker")
def _service(path: str) -> str:
    if path.startswith("/endpoints/"):
        return "sagemaker-runtime"
    return "sagemaker-metrics" if path.endswith("BatchPutMetrics") else "sagemaker"


traits.describe("sagemaker-runtime", wholly_ours=True, invalid="ValidationError")
