"""Every object that the operator creates, as pure functions: the same facts give the same manifest, byte for byte."""
