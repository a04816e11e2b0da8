"""The settings of an app: what cdk.json and `-c` may say."""
