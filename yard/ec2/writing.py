"""The template and the code that it needs, written where EC2 wins."""

import json
from pathlib import Path

from shardyard.spec.jobs.job import JobSpec
from yard.ec2 import advice, template
from yard.ec2.advice import Where
from yard.errors import UserError, writing
from yard.project import Project


def write(project: Project, spec: JobSpec, where: Where, folder: Path) -> list[Path]:
    """Write JOB.template.json and, for a job with [source], its code; refuses a job that needs SageMaker."""
    needs = list(advice.needs_sagemaker(spec))
    if needs:
        raise UserError(
            f"The job {spec.name} has no template for EC2: only SageMaker does {'; '.join(needs)}.",
            "Train it there: yard train " + spec.name,
        )
    if where.place == "SageMaker":
        raise UserError(f"SageMaker is no dearer for {spec.name}, so no template was written.", "See the lines above.")
    paths = {folder / f"{spec.name}.template.json": json.dumps(template.build(project, spec), indent=1).encode()}
    code = template.code_bundle(project, spec)
    if code is not None:
        paths[folder / code[0]] = code[1]
    for path, content in paths.items():
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return list(paths)
