"""`python -m ctrlab_report`."""

import sys

from ctrlab_report.cli import main

sys.exit(main())
