"""The operator as a process: leader election, probes, logs, metrics, database migration."""
