"""The page of `ctrlab data inspect`: an inspection of a data set as one HTML file with figures."""
