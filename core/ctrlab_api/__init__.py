"""What operator, trainer and report agree on: resources, records, names, store and study."""
