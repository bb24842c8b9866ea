"""The training loop, shared by trials and final runs."""
