"""Control logic shared by both backends: the planner, observing store and studies, and executing actions."""
