"""One accepted finding of the security packs, and which findings it covers."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledgement:
    """One accepted kind of finding."""

    rule: str
    """The rule without its pack: `LambdaDLQ`, `IAM5`."""
    where: str
    """The construct's path from the stack's part on: `storage/...`; `*` is any id in it, `**` any number of ids."""
    reason: str
    """Why it is right, for a security reviewer."""
    about: str = ".*"
    """Which finding of the rule, as a regular expression: over the text in brackets, else over the description."""

    def covers(self, finding: str, path: str, description: str) -> bool:
        """Whether this entry is about a finding (`AwsSolutions-IAM5[Resource::*]`) of a construct."""
        name, bracket, detail = finding.partition("[")
        return (
            name.rpartition("-")[2] == self.rule
            and re.fullmatch(_as_regex(self.where), path) is not None
            and re.fullmatch(self.about, detail.removesuffix("]") if bracket else description) is not None
        )

    @property
    def of_cdk(self) -> bool:
        """Whether it is about CDK's own validator, which only runs with CDK_VALIDATION=true."""
        return re.fullmatch(r"[FEW]\d{4}", self.rule) is not None


def _as_regex(where: str) -> str:
    # A stack's name begins with project and stage, which are settings.
    parts = [".*" if part == "**" else re.escape(part).replace(r"\*", "[^/]*") for part in where.split("/")]
    return "[a-z0-9-]+-" + "/".join(parts)
