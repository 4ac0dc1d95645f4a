"""The sentence where the machine is too slow for its seats."""

from ripieno.commands.service import ENOUGH, Service
from ripieno.protocol import FALLBACK
from ripieno.settings.status import SeatStatus, Status


def status(*seats):
    """A status with (name, asked, fallbacks, model) for each seat."""
    return Status(
        seats=tuple(
            SeatStatus(place, name, "keys", place, model=model, asked=asked,
                       fallbacks=fallbacks)
            for place, (name, asked, fallbacks, model) in enumerate(seats, start=1)
        )
    )  # fmt: skip


def test_a_seat_that_is_often_late_is_named_once():
    service = Service()
    assert not service.judge(status(("keys", 0, 0, "duet"), ("solo", 0, 0, "gru")))
    late = status(("keys", ENOUGH, ENOUGH // 2, "duet"), ("solo", ENOUGH, 1, "gru"))
    said = service.judge(late)
    assert said.startswith(
        "The model was too late for 50% of the last answers of keys;"
    )
    assert "too slow for 2 seats" in said
    assert not service.judge(
        status(("keys", 2 * ENOUGH, ENOUGH, "duet"), ("solo", 2 * ENOUGH, 2, "gru"))
    )


def test_a_few_late_answers_and_a_seat_without_a_model_are_no_reason():
    service = Service()
    service.judge(status(("keys", 0, 0, "duet"), ("solo", 0, 0, FALLBACK)))
    some = status(("keys", ENOUGH, 3, "duet"), ("solo", ENOUGH, ENOUGH, FALLBACK))
    assert not service.judge(some)
    few = status(("keys", ENOUGH + 5, 8, "duet"), ("solo", ENOUGH, ENOUGH, FALLBACK))
    assert not service.judge(few)
