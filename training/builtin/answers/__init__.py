"""What the stand-ins answer on an endpoint and in a batch transform: functions that the serving runtime calls.

Each algorithm has a module with `model_fn` and `transform_fn`, in the formats of the developer guide.
"""
