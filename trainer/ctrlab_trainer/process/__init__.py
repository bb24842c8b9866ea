"""The worker process: device and memory, failures and termination, start log, and what a run record states about it."""
