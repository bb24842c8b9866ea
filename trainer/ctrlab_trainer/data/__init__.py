"""Preparation of a data set: sources to encoded splits in the store.

Packages in the order of the data flow: `sources` (files on this machine), `readers` (rows), `splits` and `encoders`
(what the rows become), `prepared` (the result: schema and memory-mapped splits), `data_quality` (warnings about it),
`preparation` (all of these together) and `inspection` (`ctrlab data inspect`).
"""
