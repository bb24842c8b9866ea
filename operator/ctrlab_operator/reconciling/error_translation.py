"""Translating failures of the store, the database and the user's input into one error type with advice."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from ctrlab_api.errors import InvalidInput
from ctrlab_operator.blocked import Blocked
from ctrlab_store import ObjectExists, StoreError
from ctrlab_study import StudyUnavailable

TOLERATED_OUTAGES = 2
"""Consecutive failures of the store or the database before the status reports them."""


REFUSALS = re.compile(
    r"AccessDenied|Forbidden|InvalidAccessKeyId|SignatureDoesNotMatch|NoSuchBucket|AllAccessDisabled"
    r"|password authentication failed|no pg_hba\.conf entry|(role|database|user) \"[^\"]*\" does not exist"
)
"""Answers of a service that works: they stay the same until somebody corrects credentials or names."""


def is_refusal(error: Exception) -> bool:
    """Return whether the store or the database answered, and denies access."""
    return REFUSALS.search(str(error)) is not None


@contextmanager
def blocked_on_failure(on_outage: Callable[[Exception], None]) -> Iterator[None]:
    """Raise Blocked instead of these errors; call `on_outage` if the store or the database failed."""
    try:
        yield
    except ObjectExists as error:
        raise Blocked("PlanConflict", f"{error}; use another name or another spec.storage.artifacts") from error
    except StoreError as error:
        on_outage(error)
        message = f"{error}; check spec.storage, its Secret and the bucket"
        reason = "StoreRefused" if is_refusal(error) else "StoreUnavailable"
        raise Blocked(reason, message, TOLERATED_OUTAGES) from error
    except StudyUnavailable as error:
        on_outage(error)
        message = f"{error}; check the database and the Secret with its URL"
        reason = "DatabaseRefused" if is_refusal(error) else "DatabaseUnavailable"
        raise Blocked(reason, message, TOLERATED_OUTAGES) from error
    except InvalidInput as error:
        raise Blocked("InvalidSpec", f"{'; '.join(map(str, error.problems))}; correct the specification") from error
    except ValidationError as error:
        raise Blocked(
            "RecordInvalid",
            f"a record in the store cannot be read: {error.title}; was it written by another version?",
        ) from error
