"""Access to the files of a source: folders, buckets, volumes and HTTPS."""
