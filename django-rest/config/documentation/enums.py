"""What the values of an enumeration mean. By the component's name, then the value."""

ROLES = {
    "owner": "everything of the clinic, its policy, people and prices too",
    "staff": "the front desk: appointments, patients and hours of everybody",
    "practitioner": "their own schedule and appointments",
    "patient": "their own appointments",
    "admin": "works across clinics, in the admin alone",
}

ENUMS = {
    "StatusEnum": {
        "pending": "asked for, not yet decided; claims its time",
        "confirmed": "the clinic expects the patient; claims its time",
        "checked_in": "the patient has arrived; claims its time",
        "completed": "treated; final",
        "cancelled": "called off by either side, or not decided before its start; its time is free",
        "rejected": "the clinic said no; its time is free",
        "no_show": "nobody came; can be re-opened on the day",
    },
    "RoleEnum": ROLES,
    "ClinicRoleEnum": {name: ROLES[name] for name in ("owner", "staff", "practitioner")},
    "SourceEnum": {
        "desk": "the clinic booked it",
        "patient": "a patient with an account",
        "guest": "somebody without an account",
        "waitlist": "a freed time that somebody was waiting for",
        "series": "a date of a series",
        "demo": "the demo clinic",
    },
    "ActorKindEnum": {
        "user": "somebody signed in, over the API",
        "guest": "somebody without an account",
        "patient_sms": "the patient, by SMS",
        "system": "the clock: a request that nobody decided, a patient who did not come",
        "waitlist": "the waitlist, which gave freed time away",
        "admin": "somebody of the clinic, in the admin",
    },
    "ChannelEnum": {
        "api": "this API",
        "admin": "the admin",
        "portal": "the web pages",
        "sms": "an SMS",
        "worker": "the worker, by the clock",
        "command": "a command of the operator",
    },
    "MessageChannelEnum": {
        "sms": "an SMS",
        "email": "a mail",
        "in_app": "a notification",
    },
    "MessageStateEnum": {
        "queued": "waits for its time, or to be tried again",
        "sending": "a worker has it",
        "sent": "the provider has it",
        "delivered": "it has arrived",
        "failed": "the provider says that it can never be delivered",
        "dead": "tried too often, or its time has passed",
        "cancelled": "what it tells does not hold any more",
    },
    "EntryStateEnum": {
        "waiting": "for a time to become free",
        "offered": "a time is kept for them: `offer`",
        "booked": "they took one: `appointment`",
        "withdrawn": "they wait no longer",
        "lapsed": "their last date has passed",
    },
    "OfferStateEnum": {
        "open": "kept until `expires_at`",
        "accepted": "booked: `appointment`",
        "declined": "they wait on, for other times",
        "expired": "not answered in time",
        "withdrawn": "the entry was withdrawn",
    },
    "LanguageEnum": {
        "en": "English",
        "de": "German",
    },
    "PartOfDayEnum": {
        "any": "at any time of the day",
        "morning": "starts before 12:00",
        "afternoon": "starts from 12:00, before 17:00",
        "evening": "starts from 17:00",
    },
    "FrequencyEnum": {
        "weekly": "every week",
        "biweekly": "every second week",
        "monthly": "on the same day of each month; months without that day are skipped",
    },
    "OnConflictEnum": {
        "fail": "nothing is booked, and 409 `series_conflict` lists the dates that cannot be",
        "skip": "the other dates are booked",
    },
    "OutcomeEnum": {
        "booked": "there is an appointment",
        "free": "would be booked (dry run)",
        "refused": "cannot be booked: `code`",
    },
    "GroupByEnum": {"month": "by calendar month", "day": "by day"},
    "WaitlistModeEnum": {"off": "freed time is open to everybody at once", "offer": "the waitlist is asked first"},
}
