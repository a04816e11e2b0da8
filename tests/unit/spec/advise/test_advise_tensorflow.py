"""What the advisor says of TensorFlow's strategies."""

import pytest

from contract.plan import Layout
from shardyard.spec.advise.memory import GB, memory, workload
from shardyard.spec.advise.tensorflow import advise_tensorflow
from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.errors import SpecError


def test_a_model_that_fits_is_mirrored_and_needs_what_a_whole_replica_needs() -> None:
    work = workload(124e6)
    advice = advise_tensorflow(work, "ml.g5.xlarge", 4)
    assert advice.best is not None and advice.best.name == "MultiWorkerMirroredStrategy"
    assert advice.best.needed_gb == memory(work, Layout(), INSTANCES["ml.g5.xlarge"], 4).needed_gb
    assert any("a node sends" in line for line in advice.lines)
    alone = advise_tensorflow(work, "ml.g5.12xlarge", 1)
    assert alone.best is not None and alone.best.name == "MirroredStrategy"


def test_servers_take_the_optimizers_state_off_the_gpus() -> None:
    advice = advise_tensorflow(workload(1.1e9, sequence=512), "ml.g5.xlarge", 2)
    mirrored, servers = advice.tried
    assert mirrored.needed_gb - servers.needed_gb == pytest.approx(1.1e9 * 8 / GB)
    assert advice.best is not None and advice.best.name == "ParameterServerStrategy"
    assert not mirrored.fits
    assert any(f"= {1.1e9 * 12 / GB:.1f} GB in their own memory" in line for line in advice.lines)


def test_what_no_strategy_can_hold_is_said_with_what_could() -> None:
    advice = advise_tensorflow(workload(7e9), "ml.g5.xlarge", 2)
    assert advice.best is None
    assert advice.lines[-1].startswith("nothing fits") and "fsdp" in advice.lines[-1]


def test_a_type_without_gpus_is_refused() -> None:
    with pytest.raises(SpecError, match="has no GPU"):
        advise_tensorflow(workload(1e6), "ml.c5.xlarge", 2)
