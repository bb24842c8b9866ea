"""From source files to encoded, memory-mapped splits: read, split, encode, store, open."""
