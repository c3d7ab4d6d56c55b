class DeliveryFailure(Exception):  # noqa: N818 - its kinds are named as one would say them
    """A message that was not sent, or perhaps not. The text is for people; `code` is for logs, and names no person."""

    code = "failed"

    def __init__(self, said: str = "", *, code: str = "") -> None:
        super().__init__(said)
        self.code = code or self.code


class CannotBeDelivered(DeliveryFailure):
    """Trying again would not help: a bad address, no provider, a refusal for good. Any other error is tried again."""

    code = "cannot_be_delivered"


class WantsNoSms(CannotBeDelivered):
    """The phone's owner has said STOP, to us or to the provider."""

    code = "opted_out"


class RefusedForNow(DeliveryFailure):
    """The provider is there and says no, for reasons that will pass."""

    code = "refused_for_now"


class NotReached(DeliveryFailure):
    """No connection to the provider: the request was never written."""

    code = "not_reached"


class NoClearAnswer(DeliveryFailure):
    """The request was written, and the answer does not say whether the provider took it."""

    code = "no_clear_answer"


# After any other error the message may have reached its recipient: a time-out, a connection that broke.
NOT_TAKEN = (CannotBeDelivered, RefusedForNow, NotReached)


def code_of(error: Exception) -> str:
    return error.code if isinstance(error, DeliveryFailure) else type(error).__name__
