"""Creates the training job of a launch that takes the second path."""
