"""The tuning worker: trials of the shared study."""
