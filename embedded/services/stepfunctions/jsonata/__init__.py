"""JSONata as Step Functions speaks it: the language of 2.0, functions of the service's own, and no `$eval`."""
