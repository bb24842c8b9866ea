"""Entry point of `python -m ctrlab.cli`, the same as `ctrlab`."""

from ctrlab.cli import main

main()
