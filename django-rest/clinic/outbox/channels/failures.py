class CannotBeDelivered(Exception):  # noqa: N818 - named as one would say it
    """Trying again would not help: a bad address, no provider, a refusal for good. Any other error is tried again."""


class WantsNoSms(CannotBeDelivered):
    """The phone's owner has said STOP, to us or to the provider."""


class RefusedForNow(Exception):  # noqa: N818 - named as one would say it
    """The provider is there and says no, for reasons that will pass."""


class NotReached(Exception):  # noqa: N818 - named as one would say it
    """No connection to the provider: the request was never written."""


class NoClearAnswer(Exception):  # noqa: N818 - named as one would say it
    """The request was written, and the answer does not say whether the provider took it."""


# After any other error the message may have reached its recipient: a time-out, a connection that broke.
NOT_TAKEN = (CannotBeDelivered, RefusedForNow, NotReached)
