"""One test for many values, where what is checked of each takes less time than a test of its own would."""

from collections.abc import Callable, Iterable


def for_each(values: Callable[[], Iterable[str]]) -> Callable[[Callable[[str], None]], Callable[[], None]]:
    """Check every value, and tell all failures together. `values` is asked as the test begins."""

    def of_all(check: Callable[[str], None]) -> Callable[[], None]:
        def test() -> None:
            failures, number = [], 0
            for number, value in enumerate(values(), 1):  # noqa: B007
                try:
                    check(value)
                except AssertionError as failure:
                    failures.append(f"{value}: {failure}")
            assert number, "there is nothing to check"
            assert not failures, f"{len(failures)} of {number}\n" + "\n".join(failures)

        # Not by `wraps`: pytest would look for the fixture `value` behind it.
        test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
        return test

    return of_all
