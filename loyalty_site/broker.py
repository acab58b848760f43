"""The Redis transport, which survives that Redis goes away while a task is under way."""

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as RedisConnectionError


class Channel(redis.Channel):
    """A channel that says "connection lost" where kombu 5.7 raises AttributeError.

    A late acknowledgement, or the return of messages begun, over a connection that was given up meanwhile finds no
    address to connect to. Celery forgives a lost connection and dies of any other exception, so one restart of Redis
    ended every worker that was busy. The message itself is only a doorbell; the clock rings again.
    """

    def _connparams(self, asynchronous: bool = False) -> dict:
        if self.connection.client is None:
            raise RedisConnectionError("this connection to the broker was given up")
        return super()._connparams(asynchronous)


class Transport(redis.Transport):
    """The transport of ``redis://`` and ``rediss://``."""

    Channel = Channel


def install() -> None:
    """Let every connection to Redis use this transport."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
