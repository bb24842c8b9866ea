"""What the architectures are built from: each file one building block with its formula."""
