"""What both backends share: the planner, observing the store and the studies, and executing actions."""
