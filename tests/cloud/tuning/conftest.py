"""Each module of tests has a cloud of its own, with one image whose loss is a parabola."""

from collections.abc import Iterator

import pytest

from tests.support.clouds.training_cloud import TrainingCloud, training_cloud
from tests.support.clouds.tuning_cloud import PARABOLA


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingCloud]:
    with training_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="module")
def image(cloud: TrainingCloud) -> str:
    return cloud.image("parabola", PARABOLA)
