"""`python -m training.spark [OPTIONS] APP [ARGUMENTS]`: what `smspark-submit` runs."""

import sys

from training.spark.submit import main

sys.exit(main(sys.argv[1:]))
