"""Facts about an experiment from the objects of the cluster."""
