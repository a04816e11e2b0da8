"""Models, made with Keras 3."""
