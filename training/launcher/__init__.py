"""The container's PID 1: SageMaker's contract in, supervised ranks out. Standard library only, no framework.

Values that a plain start needs are named tuples: `dataclasses` imports `inspect`, a tenth of such a start.
"""
