"""From a job to the service's request."""
