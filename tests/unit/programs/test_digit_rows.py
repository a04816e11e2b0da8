"""The rows that a transform job of digits has answered."""

import json
from pathlib import Path

import numpy

from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.transform.trip import travel
from training.programs import make_digit_rows
from training.programs.make_digits import real_digits
from yard.transforms import plan_of

JOBS = Path(__file__).parents[3] / "jobs"


def test_every_picture_is_a_row_whose_pixels_are_what_the_model_gets(tmp_path: Path) -> None:
    make_digit_rows.main([str(tmp_path)])
    files = sorted((tmp_path / "rows").iterdir())
    assert len(files) == make_digit_rows.SHARDS
    rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    images, _ = real_digits(test=True)
    assert sorted(row["id"] for row in rows) == list(range(len(images)))
    (job,) = [one for one in load_jobs(JOBS, "dev") if isinstance(one, TransformSpec)]
    sent = json.loads(travel(files[0].read_bytes(), plan_of(job), 1, None).sent)
    assert numpy.array_equal(numpy.array(sent), images[rows[0]["id"]])
