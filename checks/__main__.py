"""`python -m checks`."""

import sys

from checks.check import main

sys.exit(main())
