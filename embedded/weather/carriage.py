"""How checkpoints reach S3 while a job runs, and whether they do when it ends."""

from embedded.weather.condition import Amount, Choice, Source

LAST_SYNC = Choice(
    "last_sync",
    fair="after_end",
    pessimistic="never",
    about="whether checkpoints are copied to S3 once more after the container has ended",
    source=Source(
        text="SageMaker developer guide, model-train-storage-env-var-summary, row /opt/ml/checkpoints: "
        "'Writes to S3 when job is terminated: No'",
        date="2026-11-29",
    ),
)

DELETIONS = Choice(
    "deletions",
    fair="kept",
    pessimistic="carried",
    about="whether what a node deletes from its checkpoints is deleted in S3 as well",
    source=Source(
        text="SageMaker developer guide, model-checkpoints: 'If a checkpoint is deleted in the SageMaker AI container, "
        "it will also be deleted in the S3 folder.'",
        date="2026-11-29",
    ),
)

DELETION_LAG = Amount(
    "deletion_lag_seconds",
    fair=0.0,
    pessimistic=2.0,
    about="how long after a deletion on a node the one in S3 follows",
    source=Source(text="no figure is published: our guess, so that neither order can be relied on", date="2026-11-29"),
)

UPLOAD_SPEED = Amount(
    "upload_bytes_per_second",
    fair=0.0,
    pessimistic=1_000_000.0,
    about="how fast a node's checkpoints are copied to S3; 0 for as fast as it goes",
    source=Source(
        text="no figure is published: our guess, slower than the jobs of this project save", date="2026-11-29"
    ),
)
