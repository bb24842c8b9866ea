"""Preparation of a data set: sources to encoded splits in the store.

Packages in the order of the data flow: `sources` (files on this machine), `readers` (rows), `splits` and `encoders`
(assignment and encoding of rows), `prepared` (the result: schema and memory-mapped splits), `data_quality` (warnings
about it), `preparation` (runs all of these) and `inspection` (`ctrlab data inspect`).
"""
