"""Access to the files of a source: local folders, S3, HTTPS, volumes of a cluster, and built-in data sets."""
