"""The rules of CreateHyperParameterTuningJob that its documentation states and its service model does not."""
