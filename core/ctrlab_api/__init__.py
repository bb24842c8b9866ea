"""The API that operator, trainer, report and client share: resources, plan, records, architecture declarations, names.

It depends on pydantic and PyYAML alone, so that every process can import it.
"""
