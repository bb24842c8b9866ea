"""`python -m ctrlab_operator.cli` is `ctrlab`."""

from ctrlab_operator.cli import main

main()
