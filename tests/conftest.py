"""What all tests share: which of them may run beside each other."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
IN_ONE_PROCESS = {"cloud", "distributed", "infra"}
"""Folders whose tests share something costly: one deployed cloud, both processors, one synthesised app."""


# First: xdist writes the group into each test's id in this same hook, and would come before the mark is there.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in IN_ONE_PROCESS:
            item.add_marker(pytest.mark.xdist_group(folder))
