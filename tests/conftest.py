"""What every test needs before the first import of aws_cdk: its Node process takes its environment with it."""

import os

# CDK's own validator takes seconds per synth; `make check` runs it.
os.environ.setdefault("CDK_VALIDATION", "false")
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
