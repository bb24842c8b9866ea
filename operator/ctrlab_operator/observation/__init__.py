"""Observing the cluster: what Jobs and pods mean for the planner and for the user."""
