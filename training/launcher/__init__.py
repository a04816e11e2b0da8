"""The container's PID 1: SageMaker's contract in, supervised ranks out. Standard library only, no framework."""
