"""Each module of tests has a cloud of its own: what one leaves behind, another does not find."""

from collections.abc import Iterator

import pytest

from tests.support.clouds.processing_cloud import ProcessingCloud, processing_cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessingCloud]:
    with processing_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running
