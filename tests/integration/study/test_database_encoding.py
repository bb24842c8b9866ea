"""Studies work in a PostgreSQL database without an encoding (SQL_ASCII), as locale C without UTF-8 creates it."""

from collections.abc import Callable

from optuna.study import StudyDirection
from sqlalchemy import NullPool, create_engine, make_url

from ctrlab_study import StudyDatabase


def test_tables_are_created_and_text_is_read_as_text(postgres: Callable[[], str]) -> None:
    existing = make_url(postgres())
    plain = existing.set(database=f"{existing.database}_plain")
    with create_engine(existing, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(
            f"CREATE DATABASE {plain.database} ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    database = StudyDatabase(plain.render_as_string(hide_password=False))
    database.create_schema()
    tables = database.database.optuna_tables
    tables.upgrade()
    study = tables.create_new_study([StudyDirection.MAXIMIZE], study_name="Öko")
    assert tables.get_study_name_from_id(study) == "Öko"
    database.dispose()
