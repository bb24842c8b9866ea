"""The operator as a process: leader election, probes, logs, metrics and the database migration."""
