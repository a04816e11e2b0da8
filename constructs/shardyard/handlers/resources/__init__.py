"""Custom resources: one folder per Lambda function that CloudFormation calls."""
