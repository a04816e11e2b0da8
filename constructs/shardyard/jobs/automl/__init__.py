"""AutoML jobs of the service's own: the construct, and what their role may do."""
