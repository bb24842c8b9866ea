"""`ctrlab init`: an experiment proposed from a data file, with the reason of every guess."""
