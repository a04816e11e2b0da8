"""The definition of a batch transform job."""
