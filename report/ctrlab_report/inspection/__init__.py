"""The page of `ctrlab data inspect`: an inspection as one HTML file with figures."""
