import pytest

from testkit.each import for_each


def is_short(word: str) -> None:
    """As a test says."""
    assert len(word) < 3, "too long"


def test_all_failures_are_told_together() -> None:
    with pytest.raises(AssertionError) as told:
        for_each(lambda: ["a", "long", "longer", "b"])(is_short)()
    assert str(told.value).splitlines()[0] == "2 of 4"
    assert "long: too long" in str(told.value)
    assert "longer: too long" in str(told.value)


def test_no_value_is_a_failure_too() -> None:
    with pytest.raises(AssertionError, match="nothing to check"):
        for_each(lambda: [])(is_short)()


def test_it_passes_under_the_name_of_its_check() -> None:
    test = for_each(lambda: ["a"])(is_short)
    test()
    assert (test.__name__, test.__doc__) == ("is_short", "As a test says.")
