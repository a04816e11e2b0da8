"""What InvokeEndpoint and its siblings do: routing, answers, errors, metrics, captures."""
