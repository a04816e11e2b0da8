"""The notebooks' settings: their repositories, and when they stop by themselves."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from shardyard.spec.errors import Problem, SpecError, nearest
from shardyard.spec.settings.notebook_types import NOTEBOOK_TYPES
from shardyard.spec.tree import setting

GIT_URL = r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[^\s@?#]{1,200}"
"""The repository addresses that SageMaker accepts: https only, without a user name."""

GIT_URL_SAYS = "an https address without a user name, such as https://github.com/team/project.git"
CODECOMMIT_URL = r"https://git-codecommit\."
GIT_BRANCH = r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}"


@dataclass(frozen=True, kw_only=True, slots=True)
class NotebookSettings:
    """Notebook instances clone from git; they are off by default, because a running one bills."""

    enabled: bool = setting(False, "Create the notebooks.")
    names: tuple[str, ...] = setting(
        ("main",),
        "One notebook per name.",
        pattern=r"[a-z][a-z0-9-]{0,19}",
        says="up to 20 small letters, digits and hyphens, a letter first",
    )
    instance_type: str = setting(
        "ml.t3.medium",
        "The instance type of each notebook.",
        says="a type of a notebook instance, such as ml.t3.medium",
    )
    volume: int = setting(
        20, "The disk of each notebook, kept while it is stopped.", unit="gigabytes", least=5, most=16384
    )
    git_url: str = setting(
        "",
        "The repository that opens with the notebook; none by default.",
        pattern=f"({GIT_URL})?",
        says=GIT_URL_SAYS,
    )
    git_branch: str = setting(
        "",
        "The branch; by default the repository's default branch.",
        pattern=f"({GIT_BRANCH})?",
        says="a branch's name",
    )
    git_private: bool = setting(False, "The repository needs the credentials in `git_secret_name`.")
    git_secret_name: str = setting(
        "",
        "The Secrets Manager secret that holds them; the stack creates it empty, you fill it.",
        pattern=r"([A-Za-z0-9/_+=.-]{1,200})?",
        says="letters, digits and /_+=.-",
    )
    git_access: Literal["none", "codecommit", "own-route", "direct"] = setting(
        "none",
        "How a notebook reaches its git host: not at all, CodeCommit through its interface endpoint, an existing VPC's "
        "own route, or direct internet access, which violates Security Hub's SageMaker.1.",
    )
    additional_repositories: tuple[str, ...] = setting(
        (), "Up to three more public repositories.", pattern=GIT_URL, says=GIT_URL_SAYS
    )
    auto_stop: bool = setting(True, "Stop an idle notebook.")
    idle_minutes: int = setting(60, "Idle time before it stops.", least=5, most=1440)

    def __post_init__(self) -> None:
        problems = tuple(self._problems())
        if problems:
            raise SpecError(problems)

    def _problems(self) -> Iterator[Problem]:
        if not self.names:
            yield Problem("names", "() is not allowed (at least one name; `enabled` switches notebooks off)")
        if len(set(self.names)) < len(self.names):
            yield Problem("names", f"{', '.join(self.names)}: a name appears twice")
        if self.instance_type not in NOTEBOOK_TYPES:
            near = nearest(self.instance_type, NOTEBOOK_TYPES)
            yield Problem("instance_type", f"{self.instance_type!r} is not a notebook instance type; {near}")
        count = len(self.additional_repositories)
        if count > 3:
            yield Problem("additional_repositories", f"{count} are not allowed (SageMaker takes up to 3)")
        if self.git_private and not self.git_secret_name:
            yield Problem("git_secret_name", "missing; a private repository needs the name of a secret")
        if self.git_private and not self.git_url:
            yield Problem("git_url", "missing; git_private says that the repository is private")
        if self.git_secret_name and not self.git_private:
            yield Problem("git_secret_name", "is only used with git_private, which is false")
        if (self.git_url or self.additional_repositories) and self.git_access == "none":
            yield Problem(
                "git_access",
                "'none' is not allowed with a repository: without a way to the git host the notebook never starts "
                "(codecommit, own-route, direct)",
            )
        if self.git_access == "codecommit":
            for url in filter(None, (self.git_url, *self.additional_repositories)):
                if not re.match(CODECOMMIT_URL, url):
                    yield Problem("git_access", f"'codecommit' cannot reach {url!r}")
