"""The work queue, and what one reconcile does."""
