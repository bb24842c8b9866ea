"""Translating failures of the store, the database and the user's input into one error type with advice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from ctrlab_api.errors import InvalidInput
from ctrlab_operator.blocked import Blocked
from ctrlab_store import ObjectExists, StoreError
from ctrlab_study import StudyUnavailable

TOLERATED_OUTAGES = 2
"""Consecutive failures of the store or the database before the status reports them."""


@contextmanager
def blocked_on_failure(discard_connections: Callable[[], None]) -> Iterator[None]:
    """Raise Blocked instead of these errors; call `discard_connections` if a connection failed."""
    try:
        yield
    except ObjectExists as error:
        raise Blocked("PlanConflict", f"{error}; use another name or another spec.storage.artifacts") from error
    except StoreError as error:
        discard_connections()
        message = f"{error}; check spec.storage, its Secret and the bucket"
        raise Blocked("StoreUnavailable", message, TOLERATED_OUTAGES) from error
    except StudyUnavailable as error:
        discard_connections()
        message = f"{error}; check the database and the Secret with its URL"
        raise Blocked("DatabaseUnavailable", message, TOLERATED_OUTAGES) from error
    except InvalidInput as error:
        raise Blocked("InvalidSpec", f"{'; '.join(map(str, error.problems))}; correct the specification") from error
    except ValidationError as error:
        raise Blocked(
            "RecordInvalid",
            f"a record in the store cannot be read: {error.title}; was it written by another version?",
        ) from error
