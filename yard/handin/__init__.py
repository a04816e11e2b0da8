"""`yard submit`: a run's model handed in to a competition, checked here before anything leaves this machine."""
