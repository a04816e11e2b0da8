"""One cloud for all tests of transform jobs: each job has a name of its own."""

from collections.abc import Iterator

import pytest

from tests.support.clouds.transform_cloud import TransformCloud, transform_cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransformCloud]:
    with transform_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running
