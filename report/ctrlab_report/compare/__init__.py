"""Comparison of finished experiments: on one data set, over several data sets, over random splits of one source."""
