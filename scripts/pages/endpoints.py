"""The page docs/reference/endpoint-file.md, from the endpoint's own dataclasses, so that it cannot go stale."""

from scripts.pages.endpoint_examples import EXAMPLES
from scripts.pages.jobs import sections
from shardyard.spec.endpoints.endpoint import EndpointSpec


def as_markdown() -> str:
    """The whole page."""
    lines = [
        "# The endpoint file",
        "",
        "One file `endpoints/<name>.toml` defines one endpoint; the file's name is the endpoint's, and",
        "`<project>-<stage>-<name>` what its callers name. Unknown keys and wrong values are errors, all of all",
        "files at once. Every file has `[model]`, `[image]` and one `[variants.NAME]`; every other table may be left",
        "out. `[overrides.prod]` holds the same tables once more, laid over the others for that stage. What must",
        "hold between values is on [the rules' page](rules.md); [this page](../do/serving.md) shows one at work.",
        "",
        "Each endpoint has a stack of its own, `<project>-<stage>-serving-<name>`. Its parameter `<Endpoint>Model`",
        "is the model's address in S3, and a variant with a model of its own has `<Endpoint>Model<Variant>`. Empty",
        "means as in the file: a model in S3 is known there, any other by the command `yard` alone. While a model is",
        "not known the stack holds a role and nothing that bills.",
        "",
        "Written from `constructs/shardyard/spec/endpoints/` by `make docs`; a test fails when it is out of date.",
        "",
        *sections(EndpointSpec, "", "## The file itself", "These keys stand above the first table.", EXAMPLES),
    ]
    return "\n".join(lines).rstrip() + "\n"
