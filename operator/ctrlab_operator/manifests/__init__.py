"""The objects that the operator creates, built by pure functions: equal input gives a byte-identical manifest."""
