"""Arithmetic of parallel plans that the launch's rules and the ranks themselves must agree on."""


def microbatch_count(pipeline_parallel: int, microbatches: int | None) -> int:
    """Into how many parts a batch is cut on its way through the stages: 1 without a pipeline, else twice the stages."""
    if pipeline_parallel == 1:
        return 1
    return 2 * pipeline_parallel if microbatches is None else microbatches
