"""The steps of a launch: one folder per Lambda function of the state machine."""
