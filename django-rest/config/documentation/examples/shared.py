"""Values of several examples, and the forms of a page and of an export."""

START, END = "2026-11-20T09:30:00+01:00", "2026-11-20T10:00:00+01:00"
SIGNED = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjo3fQ.c2lnbmF0dXJl"
TOKEN = "Zk3vT0nqXyB1w8sLr4cHdQ"  # noqa: S105 - of nobody
PASSWORD = "a long sentence of hers"  # noqa: S105 - of nobody
# With the columns of `AppointmentOutput`; text that a spreadsheet would run has a quote in front.
EXPORT = """id,clinic,patient,patient_name,patient_email,patient_phone,practitioner,practitioner_name,…
731,1,12,Paula Berg,paula@mail.example,'+491701234567,3,Dr Amara Osei,…
"""
# Pages of a list: `next` is an address there, and an appointment in a summary.
PAGE = {"count": 1, "count_is_exact": True, "next": None, "previous": None, "after": None}
