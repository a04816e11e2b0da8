"""How the front reads and answers requests to this service."""

from embedded import traits

traits.describe("s3", streamed=True, modelled=False)


@traits.told_apart("s3")
def _service(path: str) -> str:
    return "s3control" if path.startswith("/v20180820/") else "s3"
