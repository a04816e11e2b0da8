"""The settings for images."""

from dataclasses import dataclass
from typing import Literal

from shardyard.spec.tree import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageSettings:
    """Images of containers/ are built by `yard image push`, or by a deploy in the cloud."""

    build: Literal["local", "cloud"] = setting(
        "local",
        "`cloud` has a deploy build what the jobs need in CodeBuild and wait for it; what is there is not built.",
    )
    minutes: int = setting(45, "A build that takes longer fails, and the deploy with it.", least=5, most=50)
