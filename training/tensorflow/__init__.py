"""TensorFlow: models, loops and programs for one process or many."""
