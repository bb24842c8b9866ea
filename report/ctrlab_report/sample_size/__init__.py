"""Numbers of seeds and rows, and the differences that they can detect."""
