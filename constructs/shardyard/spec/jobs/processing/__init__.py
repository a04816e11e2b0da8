"""The definition of a processing job."""
