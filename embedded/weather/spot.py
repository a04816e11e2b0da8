"""How spot capacity goes, and whether it comes."""

from embedded.weather.condition import Choice, Source

SPOT_NOTICE = Choice(
    "spot_notice",
    fair="sigterm",
    pessimistic="none",
    about="whether the containers of an interrupted spot job get SIGTERM and the grace, or SIGKILL at once",
    source=Source(
        text="SageMaker developer guide promises SIGTERM and 120 s for StopTrainingJob only; of interruptions "
        "model-managed-spot-training says that they happen, and no more",
        date="2026-11-29",
    ),
)

SPOT_CAPACITY = Choice(
    "spot_capacity",
    fair="comes",
    pessimistic="never",
    about="whether spot jobs get instances at all, or wait until MaxWaitTimeInSeconds is over",
    source=Source(
        text="SageMaker developer guide, model-managed-spot-training, lifecycle (text of 2023): 'Spot instances were "
        "never launched ... Stopped: MaxWaitTimeExceeded'",
        date="2026-11-28",
    ),
    combines=False,
)
