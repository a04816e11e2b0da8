"""What watches running jobs: one folder per Lambda function on a schedule or an event."""
