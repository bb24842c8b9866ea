"""The single-machine backend: jobs are processes, the study database is SQLite, the artifact store is a folder."""
