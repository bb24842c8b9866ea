"""The work queue, and one reconcile: observe, decide, act, write the status."""
