"""The Kubernetes operator: watches experiments and ablations and runs each of their phases as a Job."""
