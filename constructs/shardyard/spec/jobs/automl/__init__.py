"""The definition of an AutoML job of the service's own."""
