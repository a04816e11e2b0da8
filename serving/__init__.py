"""What runs inside a serving container: a light front, and workers that hold the model."""
