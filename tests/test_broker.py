"""What the transport says when Redis went away under a task: "lost", which Celery forgives (row C3 of the threats)."""

import pytest

from loyalty_site.celery import app
from tests.servers import Valkey


@pytest.mark.parametrize("word", ["ack", "requeue"])
def test_a_late_word_over_a_connection_given_up_is_a_lost_connection(word: str) -> None:
    with Valkey() as broker, app.connection_for_read(broker.url) as line:
        errors = line.connection_errors
        bells = line.SimpleQueue("bells")
        bells.put("ding")
        begun = bells.get(timeout=10)
        broker.kill()
        line.collect()
        begun.channel._disconnect_pools()  # As when the channel was closed while its connection was being lost.
        with pytest.raises(errors):
            getattr(begun, word)()
