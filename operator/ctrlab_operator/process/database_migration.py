"""Migration of the study database before the operator starts."""

from ctrlab_study import StudyDatabase


def migrate_database(url: str) -> None:
    """Create or upgrade the tables; StudyUnavailable describes the problem. Safe to repeat and to run concurrently."""
    database = StudyDatabase(url)
    try:
        database.create_schema()
        database.database.optuna_tables.upgrade()
    finally:
        database.dispose()
