"""The numpy implementation of the metrics; trainer and report share it, and `ctrlab_api.metrics` defines them."""
