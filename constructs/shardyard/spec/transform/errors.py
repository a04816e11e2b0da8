"""Why one object of a batch transform failed."""


class TransformError(Exception):
    """An object that cannot be transformed: it gets no `.out` file, others go on, and the job ends Failed."""
