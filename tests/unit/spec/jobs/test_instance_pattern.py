"""A list of instance types as one pattern: it takes these, and none of their neighbours."""

import re

import pytest

from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.jobs.instance_pattern import instance_pattern


@pytest.mark.parametrize(
    ("types", "pattern"),
    [
        (["ml.p3dn.24xlarge"], r"ml\.p3dn\.24xlarge"),
        (["ml.t3.medium", "ml.t3.xlarge"], r"ml\.t3\.(xlarge|medium)"),
        (["ml.c5.xlarge", "ml.c5.9xlarge", "ml.c5.18xlarge"], r"ml\.c5\.(9|18)?xlarge"),
        (["ml.p4d.24xlarge", "ml.p4de.24xlarge", "ml.p5.4xlarge"], r"ml\.((p4d|p4de)\.24xlarge|p5\.4xlarge)"),
    ],
)
def test_families_with_the_same_sizes_share_a_branch(types: list[str], pattern: str) -> None:
    assert instance_pattern(types) == pattern


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_of_all_types_it_takes_those_that_were_given(step: int) -> None:
    names = sorted(INSTANCES)
    given = set(names[::step])
    pattern = re.compile(instance_pattern(given))
    assert {name for name in names if pattern.fullmatch(name)} == given
    assert not any(map(pattern.fullmatch, ("", "ml.c5", "mlXc5Xxlarge", "ml.c5.0xlarge", "ml.c5.xlargexlarge")))
