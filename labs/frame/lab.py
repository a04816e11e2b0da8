"""`Lab`: what the cells of a lab do with its project, on the embedded cloud or on AWS."""

import importlib.metadata
import os
import platform
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from labs.frame import commands, cost, leftovers, pictures, places, project
from labs.frame.errors import LabError
from labs.frame.results import Cell, Figure, Results, number
from yard.account.quotas import values_and_codes
from yard.aws import Aws, use_embedded_cloud
from yard.errors import UserError
from yard.project import find_project


class Lab:
    """One lab while it runs. `jobs` names shipped jobs that it uses beside its own; `settings` are its cdk.json's."""

    def __init__(self, name: str, *, jobs: Sequence[str] = (), settings: Mapping[str, Any] | None = None) -> None:
        self.place = places.find(name)
        self.on_aws = places.is_on_aws()
        self._jobs, self._settings = jobs, {} if settings is None else settings
        self._began, self._is_up = time.monotonic(), False
        self._results = Results(folder=self.place.results)
        where = "AWS" if self.on_aws else f"the embedded cloud, {os.cpu_count()} processors"
        self._results.run = {
            "day": time.strftime("%Y-%m-%d", time.gmtime()),
            "where": where,
            "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
            "version": importlib.metadata.version("shardyard"),
        }

    @property
    def aws(self) -> Aws:
        """The account: clients, and the names of the buckets."""
        return Aws(find_project(self.place.project))

    def make(self) -> None:
        """Write the lab's project, and go into its folder; `deploy` does it as well."""
        project.make(self.place, shipped=self._jobs, settings=self._settings)
        os.chdir(self.place.project)
        print(f"The project {self.place.project_name} is in {self.place.project}.\n", flush=True)

    def deploy(self) -> None:
        """Make the project, start its embedded cloud unless it is up, deploy all stacks, push the jobs' images."""
        self.make()
        if not self.on_aws:
            self.yard("cloud", "up")
            self._is_up = True
            use_embedded_cloud(find_project())
        commands.cdk(["bootstrap"], folder=self.place.project)
        commands.cdk(
            ["deploy", "--all", "--require-approval", "never", "--concurrency", "4"], folder=self.place.project
        )
        for image in project.images(self.place.project):
            self.yard("image", "push", image)

    def yard(self, *words: str, codes: Collection[int] = (0,)) -> str:
        """Run a `yard` command, print it with its answer, and return that; another exit code is an error."""
        return commands.yard(words, folder=self.place.project, codes=codes)

    def json(self, *words: str, codes: Collection[int] = (0,)) -> Any:
        """What a `yard` command answers with --json."""
        return commands.yard_json(words, folder=self.place.project, codes=codes)

    def edit(self, file: str, words: Mapping[str, str]) -> None:
        """Replace words of a file of the project; each must be there."""
        project.edit(self.place.project / file, words)

    def cloud(self, *words: str) -> bool:
        """Run `yard cloud ...`; on AWS, where nobody can break a machine on request, say so. Whether it ran."""
        if self.on_aws:
            print(f"Left out on AWS, which has no such switch: yard cloud {' '.join(words)}\n", flush=True)
            return False
        self.yard("cloud", *words)
        return True

    def result(
        self,
        name: str,
        value: float,
        *,
        unit: str = "",
        says: str = "",
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> float:
        """Note a measured figure, and fail where it is outside of the range that the lab states."""
        figure = Figure(value=value, unit=unit, says=says or name, at_least=at_least, at_most=at_most)
        self._results.add_figure(name, figure)
        print(f"{figure.says}: {number(value)} {unit} ({figure.range or 'no range'})", flush=True)
        return value

    def table(self, name: str, rows: Sequence[Mapping[str, Cell]]) -> None:
        """Note a table for the page."""
        self._results.add_table(name, rows)

    def picture(self, figure: Any, name: str) -> pictures.Picture:
        """Save a figure of matplotlib as NAME.svg; a notebook shows what is returned."""
        made = pictures.save(figure, self.place.results / f"{name}.svg")
        self._results.add_picture(made.path.name)
        return made

    def cost(self, *, also: Mapping[str, int] | None = None) -> None:
        """What the runs so far cost on AWS, at the most and as billed here, and which quotas they need.

        `also` are quotas of what stands beside the jobs, with how much of each the lab needs.
        """
        history = self.json("history", "--limit", "1000")
        receipts = {run["run"]: self._receipt(run) for run in history}
        rows = cost.cost_rows(self.json("jobs"), history, receipts)
        if rows:
            self.table("cost", rows)
        granted = {} if also is None else values_and_codes(self.aws)[0]
        self.table("quotas", cost.quota_rows(self.json("quota"), {} if also is None else also, granted))
        self.yard("cost")

    def _receipt(self, run: Mapping[str, Any]) -> Mapping[str, Any]:
        """The receipt of a run, or what stands for it where it was stopped."""
        if run["attempts"] is not None:
            found: Mapping[str, Any] = self.json("receipt", run["run"])
            return found
        name = self.json("status", run["run"])["training_job"]
        job = self.aws.client("sagemaker").describe_training_job(TrainingJobName=name)
        return cost.billed_without_receipt(job, self.aws.region)

    def standing(self, name: str, what: str, instances: str, hourly_usd: float | None, seconds: float) -> None:
        """A table of something that bills until it is deleted, and has stood for so long."""
        self.table(name, [cost.standing_row(what, instances, hourly_usd, seconds)])

    def clean_up(self) -> None:
        """Delete all that the lab deployed, and fail where anything is left."""
        if not self.on_aws and not self._is_up:
            use_embedded_cloud(find_project(self.place.project))
        self.yard("destroy", "--yes-project", self.place.project_name)
        found = leftovers.left(self.aws, self.place.project_name)
        for one in found:
            print(f"left: {one}", flush=True)
        self._results.run["seconds"] = round(time.monotonic() - self._began)
        self.result("left_behind", len(found), says="things left in the account", at_most=0)
        if not self.on_aws:
            self.yard("cloud", "down")
            os.chdir(self.place.folder)


def clean(name: str) -> None:
    """Clean up after a lab that failed on its way."""
    lab = Lab(name)
    if not lab.place.project.is_dir():
        raise LabError(f"{lab.place.name} has no project in {lab.place.project}: it was never deployed from here.")
    if not lab.on_aws:
        commands.yard(["cloud", "down"], folder=lab.place.project)
        return
    try:
        lab.clean_up()
    except UserError as error:
        raise LabError(f"{error.happened} {error.fix}".rstrip()) from None
