"""The script of the SDK that a job is exported as."""

import ast

from shardyard.spec.requests.training import to_request
from tests.support.spec.request_cases import DEPLOYMENT, RUN
from tests.support.spec.spec_tables import make
from yard.export import sdk_script


def test_each_start_of_the_script_is_a_run_of_its_own() -> None:
    """A script that kept the run's id went on from its own last start: completed in two seconds, with no step."""
    spec = make(checkpoints={"enabled": True})
    script = sdk_script("job", to_request(spec, DEPLOYMENT, job_name=f"job-{RUN}-1", run_id=RUN))
    ast.parse(script)
    assert RUN not in script
    assert "'SHARDYARD_RUN_ID': RUN," in script
    assert "'s3://artifact-bucket/checkpoints/job/' + RUN + '/'" in script
