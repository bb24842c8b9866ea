"""`python -m ctrlab_trainer`: the same as the command `ctrlab-trainer`."""

from ctrlab_trainer.cli import main

raise SystemExit(main())
