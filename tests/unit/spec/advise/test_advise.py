"""The advisor's arithmetic, against what is known to fit and not to fit."""

import pytest

from contract.plan import Layout
from shardyard.spec.advise.layouts import advise, layout_of, memory_problem, workload_of
from shardyard.spec.advise.memory import GB, memory, workload
from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.errors import SpecError
from tests.support.spec.spec_tables import make


def test_the_state_of_a_ddp_replica_is_sixteen_bytes_a_parameter() -> None:
    one = memory(workload(1e9), Layout(), INSTANCES["ml.g5.xlarge"], 1)
    assert one.lines[0] == f"state: 1e+09 parameters x 16 bytes = {16e9 / GB:.1f} GB"


def test_sharding_divides_the_state_by_the_ranks() -> None:
    work, instance = workload(7e9), INSTANCES["ml.g5.12xlarge"]
    whole, sharded = (memory(work, Layout(data=kind), instance, 8).lines[0] for kind in ("ddp", "fsdp"))
    assert whole.endswith("= 104.3 GB")
    assert sharded.endswith("/ 8 shards = 13.0 GB")


def test_gradients_that_wait_for_the_last_batch_are_whole_on_every_rank() -> None:
    instance, layout = INSTANCES["ml.g5.12xlarge"], Layout(data="fsdp")
    once, summed = (memory(workload(7e9, accumulation=n), layout, instance, 8).needed_gb for n in (1, 4))
    assert summed - once == pytest.approx(7e9 * 4 / GB)
    alone, together = (memory(workload(1e9, accumulation=n), Layout(), instance, 8).needed_gb for n in (1, 4))
    assert alone == together, "replicas keep their gradients anyway"


def test_tensor_parallel_ranks_each_keep_what_is_around_the_norms() -> None:
    work = workload(7e9, layers=32, hidden=4096)
    lines = memory(work, Layout(tensor_parallel=4), INSTANCES["ml.g5.12xlarge"], 4).lines
    assert (
        lines[2] == f"activations: 32 layers x 26.5 bytes, per token and unit = {32 * 26.5 * 2048 * 4096 / GB:.1f} GB"
    )
    assert lines[3].endswith(f"= {2048 * 50_304 * 10 / GB:.1f} GB"), "all scores are on every rank"


def test_a_stage_holds_as_many_parts_of_a_batch_as_there_are_stages() -> None:
    work, instance = workload(7e9, layers=32, hidden=4096, batch_size=8), INSTANCES["ml.g5.12xlarge"]
    token = 2048 * 4096 / GB
    piped = memory(work, Layout(pipeline_parallel=2, microbatches=8), instance, 2).lines
    assert piped[2].endswith(f"2 of the batch's 8 parts at once = {16 * 52 * 2 * token:.1f} GB")
    assert piped[3].endswith(f"= {2048 * 50_304 * 10 / GB:.1f} GB"), "the scores of one part"
    assert memory(work, Layout(), instance, 2).lines[2].endswith(f"= {32 * 52 * 8 * token:.1f} GB")


def test_a_pipeline_is_advised_with_a_sample_for_each_part() -> None:
    tried = {one.layout.pipeline_parallel: one.work for one in advise(workload(7e9), "ml.g5.12xlarge", 2).tried}
    assert tried[1].batch_size == 1
    assert tried[2].batch_size == 4


@pytest.mark.parametrize(
    ("parameters", "kind", "count", "best"),
    [
        (124e6, "ml.g5.xlarge", 2, "ddp"),
        (1.5e9, "ml.g5.12xlarge", 2, "hsdp"),
        (7e9, "ml.g5.12xlarge", 2, "fsdp with activation checkpointing"),
        (7e9, "ml.p4d.24xlarge", 1, "fsdp"),
        (70e9, "ml.p5.48xlarge", 4, "fsdp with activation checkpointing"),
        (7e9, "ml.g5.xlarge", 2, None),
    ],
)
def test_which_plan_is_advised(parameters: float, kind: str, count: int, best: str | None) -> None:
    found = advise(workload(parameters), kind, count).best
    assert (None if found is None else found.name) == best


def test_the_answer_shows_its_arithmetic() -> None:
    lines = advise(workload(7e9), "ml.g5.12xlarge", 2).lines
    assert lines[0] == "7e+09 parameters on 2 x ml.g5.12xlarge: 8 GPUs, each with 20.6 GB to give"
    assert "take fsdp with activation checkpointing:" in lines
    assert any("together 20.1 GB of 20.6 GB usable of 22.4 GB (A10G)" in line for line in lines)
    assert any("the network sets the pace" in line for line in lines)


def test_where_nothing_fits_it_says_what_would() -> None:
    advice = advise(workload(70e9), "ml.g5.xlarge", 2)
    assert advice.best is None
    assert "nothing fits; what would:" in advice.lines
    assert "USD an hour" in advice.lines[-1]


def test_a_gpu_without_a_trusted_peak_gets_no_speed() -> None:
    assert any(
        "no trusted peak is known of B300" in line for line in advise(workload(1e9), "ml.p6-b300.48xlarge", 1).lines
    )


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("ml.m5.large", "instance: ml.m5.large has no GPU; the advice is about GPU memory"),
        ("ml.g5.12xlrge", "instance: 'ml.g5.12xlrge' is no training instance type; did you mean 'ml.g5.12xlarge'?"),
    ],
)
def test_what_cannot_be_advised(kind: str, says: str) -> None:
    with pytest.raises(SpecError) as raised:
        advise(workload(1e9), kind, 1)
    assert str(raised.value) == says


def test_a_job_describes_its_workload_by_its_hyperparameters() -> None:
    given = {
        "plan": "fsdp",
        "precision": "bf16",
        "batch_size": 4,
        "activation_checkpointing": True,
        "tensor_parallel": 2,
        "accumulation": 3,
    }
    spec = make(model={"parameters": "7B", "layers": 32, "hidden": 4096}, hyperparameters=given)
    work = workload_of(spec)
    assert (work.layers, work.hidden, work.batch_size, work.precision) == (32, 4096, 4, "bf16")
    assert work.activation_checkpointing
    assert work.accumulation == 3
    assert layout_of(spec) == Layout(data="fsdp", tensor_parallel=2)


def test_a_job_with_fewer_processes_has_fewer_shards() -> None:
    job = {"model": {"parameters": "7B"}, "hyperparameters": {"plan": "fsdp", "activation_checkpointing": True}}
    compute = {"instance_type": "ml.p4d.24xlarge", "count": 1}
    program = {"entry": "train.py", "launcher": "torchrun"}
    assert memory_problem(make(**job, compute=compute, program=program)) is None
    alone = memory_problem(make(**job, compute=compute, program={**program, "processes_per_node": 1}))
    assert alone is not None


def test_neuron_cores_share_the_memory_of_their_device() -> None:
    lines = advise(workload(1e9), "ml.trn1.32xlarge", 1).lines
    assert lines[0] == "1e+09 parameters on 1 x ml.trn1.32xlarge: 32 Neuron cores, each with 14.7 GB to give"
    assert any("usable of 16.0 GB (Trainium)" in line for line in lines)
    assert any("16 x 190 TFLOPS" in line for line in lines)


def test_a_model_of_nothing_is_refused() -> None:
    with pytest.raises(SpecError, match="parameters: 0 is less than 1; say how many, as in 7e9"):
        workload(0)


def test_a_description_holds_for_its_preset_only() -> None:
    model = {"preset": "7b", "parameters": "7B"}
    assert memory_problem(make(model=model, hyperparameters={"preset": "7b"})) is not None
    assert memory_problem(make(model=model, hyperparameters={"preset": "toy"})) is None


def test_a_guessed_shape_has_the_parameters_that_were_asked_for() -> None:
    for parameters in (124e6, 7e9, 70e9):
        guessed = workload(parameters)
        assert 12 * guessed.layers * guessed.hidden**2 == pytest.approx(parameters, rel=0.01)


def test_what_is_needed_stands_beside_what_a_gpu_has_to_give() -> None:
    lines = advise(workload(7e9), "ml.g5.xlarge", 1).lines
    assert lines[0] == "7e+09 parameters on 1 x ml.g5.xlarge: 1 GPU, each with 20.6 GB to give"
    assert lines[1] == "  ddp: needs 133.6 GB, 113.0 GB too much"


def test_bfloat16_is_advised_on_no_gpu_that_lacks_it() -> None:
    lines = advise(workload(7e9), "ml.g4dn.12xlarge", 2).lines
    assert any("the T4 of ml.g4dn.12xlarge (Turing) has no bfloat16" in line for line in lines)
    assert not any("g4dn" in line or "p3." in line for line in lines[lines.index("nothing fits; what would:") :])
    assert not any("bfloat16:" in line for line in advise(workload(7e9, precision="fp32"), "ml.g4dn.12xlarge", 2).lines)
    assert not any("has no bfloat16" in line for line in advise(workload(7e9), "ml.g5.12xlarge", 2).lines)
