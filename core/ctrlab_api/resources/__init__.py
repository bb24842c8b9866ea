"""The pydantic models of both resources, from which the CRDs are generated."""
