"""The backend for a Kubernetes cluster: the planner's facts from the API server, its actions as Jobs."""
