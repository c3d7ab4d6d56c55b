from datetime import timedelta

from clinic.outbox.backoff import MAX_ATTEMPTS, MAX_PAUSE, pause_after
from hypothesis import given
from hypothesis import strategies as st

attempts = st.integers(min_value=1, max_value=MAX_ATTEMPTS - 1)


def test_the_pause_doubles_up_to_an_hour() -> None:
    pauses = [pause_after(attempt, jitter=0) for attempt in range(1, 11)]
    assert pauses == [timedelta(seconds=seconds) for seconds in (15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600)]


def test_a_night_without_a_mail_server_loses_nothing_and_two_days_do() -> None:
    def longest_outage(jitter: float) -> timedelta:
        pauses = [pause_after(attempt, jitter=jitter) for attempt in range(1, MAX_ATTEMPTS)]
        return sum((pause for pause in pauses if pause is not None), timedelta(0))

    assert longest_outage(jitter=1) > timedelta(hours=15)
    assert longest_outage(jitter=0) < timedelta(hours=48)


def test_a_message_is_given_up_in_the_end() -> None:
    assert pause_after(MAX_ATTEMPTS, jitter=0) is pause_after(MAX_ATTEMPTS + 1, jitter=1) is None


@given(attempts, st.floats(min_value=0, max_value=1))
def test_jitter_takes_up_to_half_of_the_pause(attempt: int, jitter: float) -> None:
    pause, longest = pause_after(attempt, jitter=jitter), pause_after(attempt, jitter=0)
    assert pause is not None
    assert longest is not None
    assert longest / 2 <= pause <= longest <= MAX_PAUSE
