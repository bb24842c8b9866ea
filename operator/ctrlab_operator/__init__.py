"""The control loop: one planner, a backend for one machine, and the command line."""
