"""The fleets behind an endpoint: instances with containers, in health and in trouble."""
