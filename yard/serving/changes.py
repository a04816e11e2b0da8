"""The endpoints' part of `yard check`: the files, and what they change about what is deployed."""

from shardyard.spec import names
from shardyard.spec.endpoints.changes import refused_changes
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.rules import Facts, check_endpoint
from yard.aws import Aws
from yard.project import Project
from yard.serving.endpoints import all_endpoints, deployed_definition
from yard.soon import asked_soon


def check_endpoints(project: Project, *, offline: bool) -> list[str]:
    """Check every endpoint; return their names.

    What is deployed, and what the account's region has, counts as far as an account answers soon.
    """
    found = all_endpoints(project)
    problems = [] if offline or not found else asked_soon(lambda: _refused(Aws(project), found))
    if problems:
        raise SpecError(problems)
    return [spec.name for spec in found]


def _refused(aws: Aws, endpoints: tuple[EndpointSpec, ...]) -> list[Problem]:
    from botocore.exceptions import ClientError

    problems = []
    for spec in endpoints:
        place = f"endpoints/{spec.name}.toml: "
        there = check_endpoint(spec, Facts(region=aws.region))
        problems += [Problem(f"{place}{one.where}".rstrip(": "), one.message) for one in there]
        try:
            before = deployed_definition(aws, aws.project.stack_name(names.serving_part(spec.name)))
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            continue
        found = [] if before is None else refused_changes(before, spec)
        problems += [Problem(f"{place}{one.where}", one.message) for one in found]
    return problems
