"""The API server as the operator uses it: client, kinds of objects, cache of watched objects, parsing of resources."""
