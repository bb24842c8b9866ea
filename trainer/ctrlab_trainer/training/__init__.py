"""The training loop that trials and final runs share, with its batches, row order, optimizer and seeds."""
