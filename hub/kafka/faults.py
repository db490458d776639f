"""What keeps Kafka from being used, as a rule of the message catalogue: shown to the operator, and tried again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kafka import errors

_REFUSED = (
    errors.SaslAuthenticationFailedError, errors.AuthorizationError, errors.TopicAuthorizationFailedError, errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError, errors.TransactionalIdAuthorizationFailedError, errors.UnsupportedSaslMechanismError,
)  # fmt: skip
_FENCED = (errors.ProducerFencedError, errors.InvalidProducerEpochError, errors.TransactionCoordinatorFencedError)


class Away(Exception):
    """Kafka cannot be used now. `rule` says why; `topics` names those that it is about; `kind` is the library's fault, without its words."""

    def __init__(self, rule: str, topics: tuple[str, ...] = ()) -> None:
        super().__init__(rule)
        self.rule, self.topics = rule, topics

    @property
    def kind(self) -> str:
        """Give the kind of what is behind it."""
        return type(self.__cause__).__name__ if self.__cause__ is not None else ""


class TooLarge(Away):
    """A record is larger than its topic takes: nothing was sent. `which` = its place among those that were to be sent."""

    def __init__(self, topic: str, which: int) -> None:
        super().__init__("HUB-5094", (topic,))
        self.which = which


class Late(Away):
    """It took so long that what was decided is too old to be sent upon: nothing was sent."""

    def __init__(self) -> None:
        super().__init__("HUB-5090")


@contextmanager
def named() -> Iterator[None]:
    """Turn whatever the library or the network says into Away, without its words."""
    try:
        yield
    except (Away, errors.KafkaConfigurationError):
        raise
    except _FENCED as fault:
        raise Away("HUB-5092") from fault
    except _REFUSED as fault:
        raise Away("HUB-5091") from fault
    except errors.UnsupportedCodecError as fault:
        raise Away("HUB-5096") from fault
    except (errors.KafkaError, OSError) as fault:
        raise Away("HUB-5090") from fault
