"""Replies to an SMS and their meaning. Whatever is not understood without doubt is left to the desk."""

import pytest
from clinic.messaging.replies import MEANINGS, Intent, Reply, name_words, read_reply
from clinic.messaging.reply_words import PHRASES, Meaning
from hypothesis import given
from hypothesis import strategies as st

from testkit.each import for_each

CONFIRMS = [
    *["CONFIRM", "confirm", " Confirm. ", "Confirmed", "I confirm", "YES", "Yes!", "yes.", "y", "Yep", "Yup", "Yeah"],
    *["Yes please", "yes, please!", "Yes thanks", "Yes, thank you so much.", "YES!!!", "Yesss", "OK", "Okay, thanks"],
    *[
        "Sure",
        "Of course!",
        "Will do",
        "I'll be there",
        "I’ll be there",
        "Yes I will",
        "See you then",
        "Hi, yes please",
    ],
    *["👍", "👍🏽", "👍👍", "Yes 👍", "OK 👌", "✅", "✔️", "Yes 😊", "Yes :)", "Yes <3"],
    *["“YES”", '"Yes"', "'yes'", "‘yes’", "„Ja“", "«Ja»", "(yes)", "[YES]", "*YES*", "_yes_", "<yes>", "...yes..."],
    *["ＹＥＳ", "ｙｅｓ！", "Ⓨⓔⓢ", "y\u200bes", "\u200bYES\u200b", "\ufeffyes", "Y\u00adES", "\u2068yes\u2069"],
    *["yes\u00a0please", "YES\r\n", "Yes\n\nSent from my iPhone", "Ja\nVon meinem iPhone gesendet"],
    *[
        "I will",
        "Yes\nPaula Smith",
        "Yes\n\nMaria",
        "Yes\n- Paula",
        "Yes\n--\nPaula Smith\nActing director",
        "YES\nJ. Smith",
    ],
    *["Yes, thanks, Paula", "Yes\nBest regards,\nJohn", "Ja\n\nLG Maria", "Ja gerne. Viele Grüße, Maria Müller"],
    *["yes\n> Riverside: a reminder of Fri 20 Nov. Reply CONFIRM 12 or NO 12."],
    *["ja", "Ja!", "Ja gerne", "Ja, gern", "Ja bitte", "Ja danke", "Jawohl", "Jep", "Klar", "Natürlich", "NATUERLICH"],
    *["Gerne", "Ich komme", "Ja, ich komme gerne", "Passt", "In Ordnung", "Bestätigen", "bestaetigen", "Bestätigt"],
    *[
        "Ich bestätige den Termin",
        "Hiermit bestätige ich meinen Termin",
        "I confirm my appointment",
        "Hallo, ja, vielen Dank und mfg".replace(" und", ","),
        "Alles klar, bis dann",
    ],
]
CANCELS = [
    *["CANCEL", "cancel", "No", "NO.", "n", "Nope", "nah", "Nooo", "No thanks", "No, thank you", "No, sorry"],
    *["Cancel please", "please cancel", "Please cancel my appointment.", "I need to cancel", "I'd like to cancel"],
    *["No, please cancel", "No. Cancel.", "Sorry, I have to cancel", "Unfortunately I can't make it", "can't make it"],
    *["can’t make it", "I cannot come", "I won't be there", "Not coming", "I'm not coming, sorry", "Unable to attend"],
    *["👎", "❌", "“NO”", "(no)", "ＮＯ", "n\u200bo", "No\nPaula Smith", "No :(", "Sorry, can't come. Thanks, Paula"],
    *["nein", "NEIN!", "Nein danke", "Nein, leider nicht", "Nö", "absagen", "Absage", "Bitte absagen", "Storno."],
    *["stornieren", "Bitte den Termin stornieren", "Ich muss leider absagen", "Ich möchte den Termin absagen"],
    *[
        "Ich kann leider nicht",
        "Ich komme nicht",
        "Leider verhindert",
        "Das schaffe ich leider nicht",
        "I can't",
        "Termin bitte absagen",
        "Tut mir leid, ich schaffe es nicht",
    ],
    *["Nein danke\nLG Maria", "Nein\n\nGesendet von meinem Handy"],
]
STOPS = [
    *["STOP", "stop", "StopAll", "unsubscribe", "END", "quit", "Revoke", "OPTOUT", "Stop.", "Stop please"],
    *["please stop", "STOP!", "stop texting me", "“STOP”", "ＳＴＯＰ", "s\u200btop", "opt-out", "no more messages"],
    *[
        "Stopp",
        "Bitte stoppen",
        "Stopp bitte",
        "Keine SMS mehr",
        "Bitte keine Nachrichten mehr",
        "abmelden",
        "Stop\nPaula",
    ],
]
OTHERS = [
    *[("START", Intent.START), ("UNSTOP", Intent.START), ("start please", Intent.START)],
    *[("HELP", Intent.HELP), ("info", Intent.HELP), ("Hilfe", Intent.HELP), ("Hilfe bitte", Intent.HELP)],
    *[("ACCEPT", Intent.ACCEPT), ("I accept", Intent.ACCEPT), ("Yes, I'll take it", Intent.ACCEPT)],
    *[("Annehmen", Intent.ACCEPT), ("Ja, den nehme ich", Intent.ACCEPT), ("Accept please", Intent.ACCEPT)],
    *[("DECLINE", Intent.DECLINE), ("No thanks, I'll pass", Intent.DECLINE), ("ablehnen", Intent.DECLINE)],
]
FOR_THE_DESK = [
    *["", " ", "\u200b", "12", "Thanks", "Thank you!", "Danke", "Perfect", "Hello", "😊", "🙏", "?", "Paula"],
    *["yes but later", "Yes but can we do 10?", "yes?", "OK?", "Can you cancel?", "yes tomorrow", "Yes\nTomorrow"],
    *["no problem, I'll come", "No problem", "no\nproblem", "No\nProblem", "No worries", "No, I'll be there", "no yes"],
    *["yes no", "yes/no", "Y/N", "Yes, please cancel", "no cancel", "don't cancel", "Do not cancel", "not yes"],
    *["confirm or cancel", "maybe", "Yes maybe", "No idea", "No need to cancel", "definitely not", "of course not"],
    *["I will not", "stop the appointment", "stop yes", "yes, sorry", "Sure, when", "can't make it at 10"],
    *["Cancel at 12:30", "yes 12:30", "yes 12pm", "yes 30 Nov", "No. 12", "No.12", "Nr. 12", "yes +1", "+1", "yes 1/2"],
    *["confirm twelve", "confirm 1 2", "stop 12", "cancel 99999999999999999999", "yes 9223372036854775808", "yes²"],
    *["Ja, aber später", "Ja leider", "Kein Problem", "Kein Problem, ich komme", "Nein, ich komme", "nicht absagen"],
    *["Ja\nMontag", "Ja\nAber Später", "Ja\nHabe Fieber", "Nein\nKeine Zeit", "jein", "Ja oder Nein", "Ja, wann?"],
    *["Yes\nBring kids", "Yes\nLater", "Yes\nbut later", "Ok\nCall Me", "Liked “Reply CONFIRM 12 or NO 12”"],
    *[
        "I am 10 minutes late",
        "Ich bin 10 Minuten zu spät",
        "👍👎",
        "yes 👎",
        "accept decline",
        "no, accept",
        "да",
        "sí",
    ],
]


def test_table_has_at_least_eighty_replies() -> None:
    assert len({*CONFIRMS, *CANCELS, *STOPS, *FOR_THE_DESK}) > 200


@for_each(lambda: CONFIRMS)
def test_reply_confirms(text: str) -> None:
    reply = read_reply(text)
    assert (reply.intent, reply.number) == (Intent.CONFIRM, None)


@for_each(lambda: CANCELS)
def test_reply_cancels(text: str) -> None:
    reply = read_reply(text)
    assert (reply.intent, reply.number) == (Intent.CANCEL, None)


@for_each(lambda: STOPS)
def test_reply_stops_messages(text: str) -> None:
    assert read_reply(text).intent is Intent.STOP


@pytest.mark.parametrize(("text", "intent"), OTHERS)
def test_reply_says_something_else(text: str, intent: Intent) -> None:
    assert read_reply(text).intent is intent


@for_each(lambda: FOR_THE_DESK)
def test_ambiguous_reply_is_not_understood(text: str) -> None:
    assert read_reply(text) == Reply(Intent.UNKNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "CONFIRM 12",
        "confirm12",
        "Confirm #12",
        "yes: 12",
        "YES-12",
        "confirm  12 .",
        "Yes 12 please",
        "“Yes 12”",
        "YES １２",
    ],
)
def test_reply_names_an_appointment(text: str) -> None:
    assert read_reply(text) == Reply(Intent.CONFIRM, 12)


@pytest.mark.parametrize("text", ["NO 7", "cancel 7", "Please cancel my appointment 7", "Nein, 7", "Absage 7"])
def test_reply_cancels_a_named_appointment(text: str) -> None:
    assert read_reply(text) == Reply(Intent.CANCEL, 7)


def test_reply_names_an_offer() -> None:
    assert read_reply("Accept 3") == Reply(Intent.ACCEPT, 3)
    assert read_reply("ablehnen 3") == Reply(Intent.DECLINE, 3)


# The provider's own words


@pytest.mark.parametrize("text", ["STOP", " stop. ", "StopAll", "UNSUBSCRIBE", "end", "quit", "revoke", "optout"])
def test_providers_word_is_answered_by_the_provider(text: str) -> None:
    assert not read_reply(text).is_ours


@pytest.mark.parametrize("text", ["Stopp", "Stop please", "“STOP”", "ＳＴＯＰ", "no more sms", "start please"])
def test_other_wording_is_answered_by_us(text: str) -> None:
    assert read_reply(text).is_ours


@pytest.mark.parametrize(
    ("text", "lifts"),
    [
        ("START", True),
        ("UNSTOP", True),
        ("YES", True),
        ("start please", True),
        ("YES 12", False),
        ("Yes please", False),
    ],
)
def test_earlier_stop_is_lifted_by_the_words_for_it(text: str, lifts: bool) -> None:
    assert read_reply(text).opts_in is lifts


# Signatures


@pytest.mark.parametrize(
    ("text", "signed", "is_assumed"),
    [
        ("Yes", set(), False),
        ("Yes\nSent from my iPhone", set(), False),
        ("Yes\nThanks, Anna", {"anna"}, False),
        ("Yes\nAnna Berg", {"anna", "berg"}, True),
        ("Yes\n--\nAnna Berg", set(), True),
        ("Yes\npaula", {"paula"}, False),
        ("yes paula", {"paula"}, False),
        ("Paula: yes", {"paula"}, False),
        ("Yes\nPaula S.", {"paula", "s"}, False),
    ],
)
def test_signature_is_known_by_name_or_assumed_by_shape(text: str, signed: set[str], is_assumed: bool) -> None:
    reply = read_reply(text, names=["Paula Pätient"])
    assert reply.intent is Intent.CONFIRM
    assert (set(reply.signed), reply.is_assumed) == (signed, is_assumed)


def test_small_word_of_an_unknown_name_is_not_understood() -> None:
    assert read_reply("yes\nmaria").intent is Intent.UNKNOWN
    assert read_reply("yes Maria").intent is Intent.UNKNOWN


def test_words_of_names_are_folded() -> None:
    assert name_words(["Dr. José Müller-Straße"]) == {"dr", "jose", "mueller", "strasse"}


# The table itself


def test_phrase_has_one_meaning() -> None:
    phrases = [
        phrase.strip() for text in PHRASES.values() for line in text.strip().split("\n") for phrase in line.split("|")
    ]
    assert len(phrases) == len(set(phrases))
    written: dict[tuple[str, ...], set[Meaning]] = {}
    for meaning, text in PHRASES.items():
        for line in text.strip().split("\n"):
            for phrase in line.split("|"):
                written.setdefault(tuple(phrase.casefold().split()), set()).add(meaning)
    assert all(len(meanings) == 1 for meanings in written.values())
    assert len(MEANINGS) > 300


DECORATIONS = st.sampled_from(
    ["{}", "“{}”", "({})", "{}!", "*{}*", "{}.", "\u200b{}", " {} ", "{}\n", "{}, please", "{} thanks"]
)
WORDS = st.sampled_from(
    [("yes", Intent.CONFIRM), ("nein", Intent.CANCEL), ("stop", Intent.STOP), ("ja", Intent.CONFIRM)]
)


@given(word=WORDS, decorations=st.lists(DECORATIONS, max_size=4))
def test_decoration_never_changes_the_meaning(word: tuple[str, Intent], decorations: list[str]) -> None:
    text, intent = word
    for decoration in decorations:
        text = decoration.format(text)
    assert read_reply(text).intent is intent


@given(word=WORDS, more=st.text(alphabet="qwz", min_size=5, max_size=9))
def test_word_that_is_not_known_leaves_every_reply_to_the_desk(word: tuple[str, Intent], more: str) -> None:
    assert read_reply(f"{word[0]} {more}").intent is Intent.UNKNOWN


@given(st.text(max_size=200))
def test_no_text_is_too_strange(text: str) -> None:
    assert isinstance(read_reply(text, names=[text]), Reply)
