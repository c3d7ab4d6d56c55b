class CannotBeDelivered(Exception):  # noqa: N818 - named as one would say it
    """Trying again would not help: a bad address, no provider, a refusal for good. Any other error is tried again."""


class WantsNoSms(CannotBeDelivered):
    """The phone's owner has said STOP, to us or to the provider."""


class RefusedForNow(Exception):  # noqa: N818 - named as one would say it
    """The provider is there and says no, for reasons that will pass."""
