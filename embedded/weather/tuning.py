"""What training jobs of one tuning job share."""

from embedded.weather.condition import Choice, Source

TUNING_CHECKPOINTS = Choice(
    "tuning_checkpoints",
    fair="own",
    pessimistic="shared",
    about="whether each training job of a tuning job has checkpoints of its own, under its name in the definition's "
    "S3Uri, or all use that same S3Uri and start from what another one has saved",
    source=Source(
        text="SageMaker API reference, HyperParameterTrainingJobDefinition, CheckpointConfig: 'information about the "
        "output location for managed spot training checkpoint data', and no word on whose; nor has the guide any",
        date="2026-11-30",
    ),
)
