"""`ctrlab data inspect`: statistics and warnings about a data set before an experiment."""
