"""The settings of an app, from cdk.json and `-c`."""
