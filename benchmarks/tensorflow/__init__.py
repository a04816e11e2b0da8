"""TensorFlow with this library and by hand, side by side. Run with `python -m benchmarks.tensorflow`."""
