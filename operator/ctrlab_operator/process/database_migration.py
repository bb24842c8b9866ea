"""The tables of the study database, made or brought up to date before the operator starts."""

from ctrlab_study import StudyDatabase


def migrate(url: str) -> None:
    """May be run again and by several at once; StudyUnavailable names what is wrong."""
    database = StudyDatabase(url)
    try:
        database.create_schema()
        database.database.optuna_tables.upgrade()
    finally:
        database.dispose()
