"""Doing what CloudFormation refuses in one deploy: working out the steps, and taking them."""

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shardyard.spec import names
from yard.account import cdk, deletion, moves
from yard.account.stacks import deployed_stacks
from yard.aws import Aws
from yard.difference import account
from yard.difference.refusals import renewed
from yard.difference.resources import changes
from yard.difference.sides import Side, Stack, as_stored
from yard.errors import NotDeployedError, UserError
from yard.project import Project
from yard.runs import runs
from yard.tuning import searches

LAST = "everything else"


def steps(aws: Aws) -> list[moves.Step]:
    """The steps from what is deployed to what the app has now; empty where one deploy does it."""
    deployed = deployed_templates(aws)
    wanted = app_templates(aws.project)
    things = moves.moved(deployed, wanted)
    _refuse_running(aws, moves.machines(things))
    leftovers = moves.steps_of_leftovers(deployed, wanted)
    gone = {step.deletes for step in leftovers}
    rest = {name: template for name, template in deployed.items() if name not in gone}
    moving = [step for step in moves.steps_of_moves(things, wanted) if step.deletes not in gone]
    users = moves.steps_of_users(rest, wanted, network=aws.project.stack_name("network"))
    rest |= {user: wanted[user] for step in users for user in step.deploys}
    away = _away_from_the_network(aws.project, rest, wanted)
    renewals = [] if away else _notebooks_anew(aws, rest, wanted)
    found = [*leftovers, *users, *away, *renewals, *moving]
    return [*found, moves.Step(why=LAST)] if found else []


def _away_from_the_network(project: Project, deployed: moves.Templates, wanted: moves.Templates) -> list[moves.Step]:
    """A VPC goes only when nothing uses it: everything is deployed without one in between."""
    in_the_way = moves.exports_in_the_way(deployed, wanted)
    if not in_the_way:
        return []
    network = project.stack_name("network")
    if set(in_the_way) != {network}:
        said = "; ".join(f"{', '.join(users)} use what {stack} would lose" for stack, users in in_the_way.items())
        raise UserError(
            f"No steps are known for this change: {said}.",
            "Undo it, or deploy first without what uses the exports.",
        )
    context = ("network.kind=none", *(("notebooks.enabled=false",) if project.settings.notebooks.enabled else ()))
    app_templates(project, *context)  # says what cannot be without a VPC, before anything changes
    users = ", ".join(in_the_way[network])
    return [moves.Step(why=f"{users} leave the VPC; a launch meanwhile runs outside of it", context=context)]


def _notebooks_anew(aws: Aws, deployed: moves.Templates, wanted: moves.Templates) -> list[moves.Step]:
    """A notebook instance in another network is another one, and two cannot have its name at once."""
    registry = account.Registry(aws)
    before, after = (
        Side([Stack(name=name, template=as_stored(template)) for name, template in side.items()])
        for side in (deployed, wanted)
    )
    anew = list(renewed(before, after, list(changes(before, after, registry)), registry))
    stack = aws.project.stack_name("notebooks")
    others = [one for one in anew if one.stack != stack]
    if others:
        said = "; ".join(f"{one.stack}: {one.type} {one.name!r} ({', '.join(one.why)})" for one in others)
        raise UserError(
            f"CloudFormation does not make anew what has a name of its own, and no steps are known for it: {said}.",
            "Undo the change, or give it another name.",
        )
    if not anew:
        return []
    names = ", ".join(one.name for one in anew)
    why = f"{names} cannot change in place and would be made anew under a name that is taken; the disks go"
    return [moves.Step(why=why, deletes=stack)]


def _refuse_running(aws: Aws, machines: list[str]) -> None:
    prefix = aws.project.state_machine_name("")
    for machine in machines:
        job, is_search = names.launched_by(machine.removeprefix(prefix))
        try:
            found = searches.executions(aws, job) if is_search else runs.executions(aws, job)
            running = [run.run_id for run in found if run.status == "RUNNING"]
        except NotDeployedError:
            continue
        if running:
            stop = f"yard tune {job} --stop --run {running[0]}" if is_search else f"yard stop {running[0]}"
            raise UserError(
                f"{job} moves to another stack, which takes its state machine away for a moment, and "
                f"{'the search ' if is_search else ''}{', '.join(running)} still runs.",
                f"Wait for it, or stop it: {stop}",
            )


def command(project: Project, step: moves.Step) -> str:
    """What a person would type for a step; the CDK command must be told of what is not cdk.json's."""
    return step.command if step.deletes is not None else f"{step.command}{project.cdk_options}"


def take(aws: Aws, step: moves.Step, *, tell: Callable[[str], None]) -> None:
    """Take one step; its output is the CDK command's."""
    if step.deletes is not None:
        stacks = [stack for stack in deployed_stacks(aws) if stack.name == step.deletes]
        deletion.refuse_what_cannot_go(aws, stacks)
        deletion.delete(aws, stacks, tell=tell)
        return
    done = cdk.run(aws.project, *step.arguments, "--require-approval", "never", shown=True)
    if done.returncode:
        raise UserError(
            f"`{step.command}` ended with exit code {done.returncode}.",
            "Its output above says which stack and why; correct that and run it again: it begins where it is now.",
        )


def app_templates(project: Project, *context: str) -> moves.Templates:
    """The templates of the project's app for this stage, with more `-c KEY=VALUE` where given."""
    with tempfile.TemporaryDirectory(prefix="yard-templates-") as name:
        folder = Path(name)
        cdk.synthesise(project, folder, context)
        artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
        stacks = {key: one for key, one in artifacts.items() if one["type"] == "aws:cloudformation:stack"}
        return {
            one["properties"].get("stackName", key): json.loads(
                (folder / one["properties"]["templateFile"]).read_text()
            )
            for key, one in stacks.items()
        }


def deployed_templates(aws: Aws) -> moves.Templates:
    """The templates of the project's deployed stacks."""
    client = aws.client("cloudformation")
    bodies: dict[str, Mapping[str, Any]] = {}
    for stack in deployed_stacks(aws):
        body = client.get_template(StackName=stack.name)["TemplateBody"]
        bodies[stack.name] = body if isinstance(body, Mapping) else json.loads(body)
    return bodies
