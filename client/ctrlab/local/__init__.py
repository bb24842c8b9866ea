"""The backend for one machine: jobs are processes, the study is SQLite, the store is a folder."""
