"""Reading resources from YAML as Kubernetes reads them, with every problem at the path of its field."""
