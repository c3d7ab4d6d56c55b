"""Pure: the words and phrases of replies to an SMS, in English and German. Written without apostrophes; accents and
upper case do not matter. A phrase wins over its words."""

from enum import StrEnum


class Meaning(StrEnum):
    YES = "yes"
    NO = "no"
    STOP = "stop"
    START = "start"
    HELP = "help"
    ACCEPT = "accept"
    DECLINE = "decline"
    # Means nothing by itself.
    COURTESY = "courtesy"
    # Goes with a NO and contradicts a YES.
    REGRET = "regret"
    # Said before a name: "thanks Paula".
    CLOSING = "closing"
    # Said by people who come and by people who do not.
    UNCLEAR = "unclear"


PHRASES: dict[Meaning, str] = {
    Meaning.YES: """
        confirm | confirmed | confirming | i confirm | we confirm | i can confirm | i would like to confirm
        confirm appointment | confirm my appointment | confirm the appointment | yes | y | yess | yees | yep
        yeps | yepp | yup | yupp | yeah | yea | yeh | ya | yas | aye | ok | okay | okey | okey dokey | okie | oki
        okidoki | k | kk | sure | sure thing | of course | absolutely | definitely | certainly | alright
        all right | agreed | correct | affirmative | will do | i will | i do | i can | works for me | that works
        that works for me | sounds good | that is fine | thats fine | fine by me | i am coming | im coming
        we are coming | were coming | coming | i will come | ill come | i shall come | we will come
        i will be there | ill be there | will be there | we will be there | well be there | i will attend
        ill attend | attending | i am attending | im attending | i can make it | can make it | i will make it
        ill make it | count me in | see you | see you then | see you there | see you soon | see ya | 👍 | 👌 | ✅
        ✔ | ☑ | 🆗 | 💯 | 🙋 | ja | j | jaa | jo | jep | jepp | jap | jup | jawohl | jawoll | ja gern | ja gerne
        gern | gerne | sehr gern | sehr gerne | klar | na klar | ja klar | klaro | alles klar | geht klar
        natürlich | selbstverständlich | sicher | auf jeden fall | passt | das passt | passt mir | passt gut
        in ordnung | einverstanden | bestätigen | bestatigen | bestätigt | bestätige | ich bestätige
        wir bestätigen | hiermit bestätige ich | bestätige hiermit | ich bestätige hiermit
        ich bestätige den termin | bestätige den termin | termin bestätigt | termin bestätigen | ich komme
        ich komme gern | ich komme gerne | komme | komme gern | komme gerne | wir kommen | kommen
        ich werde kommen | ich werde da sein | werde da sein | ich bin da | bin da | wir sind da | ich bin dabei
        bin dabei | bis dann | bis morgen | bis bald | i confirm my appointment | i confirm the appointment
        confirming my appointment | confirming the appointment | i confirm my attendance | see you tomorrow
        ich bestätige meinen termin | bestätige meinen termin | hiermit bestätige ich den termin
        hiermit bestätige ich meinen termin | ich bestätige meine teilnahme""",
    Meaning.NO: """
        no | n | noo | nope | nop | nah | naw | nay | negative | cancel | cancelled | canceled | cancelling
        canceling | cancel it | cancel this | cancel that | cancel appointment | cancel my appointment
        cancel the appointment | cancel this appointment | i cancel | cancel my booking | cancel booking
        i need to cancel | need to cancel | i have to cancel | have to cancel | i must cancel | must cancel
        i want to cancel | want to cancel | i would like to cancel | id like to cancel | would like to cancel
        i will cancel | ill cancel | i am cancelling | im cancelling | we need to cancel | we have to cancel
        can you please cancel | could you please cancel | i need to cancel my appointment
        i have to cancel my appointment | i would like to cancel my appointment | id like to cancel my appointment
        i want to cancel my appointment | cant make it | i cant make it | cannot make it | i cannot make it
        can not make it | i can not make it | wont make it | i wont make it | will not make it
        i will not make it | we cant make it | we wont make it | i am unable to make it | unable to make it
        not able to make it | i am not able to make it | cant come | i cant come | cannot come | i cannot come
        can not come | i can not come | wont come | i wont come | i will not come | not coming | i am not coming
        im not coming | we are not coming | were not coming | we cant come | cant attend | i cant attend
        cannot attend | i cannot attend | unable to attend | i am unable to attend | im unable to attend
        wont attend | i wont attend | not attending | i am not attending | im not attending | wont be there
        i wont be there | i will not be there | will not be there | i cant be there | cant be there | 👎 | ❌ | ✖
        🚫 | 🙅 | nein | nee | nö | nei | absagen | absage | ich sage ab | sage ab | abgesagt | ich muss absagen
        muss absagen | ich muss leider absagen | muss leider absagen | wir müssen absagen
        wir müssen leider absagen | ich möchte absagen | möchte absagen | ich will absagen | termin absagen
        den termin absagen | meinen termin absagen | ich möchte den termin absagen
        ich möchte meinen termin absagen | möchte den termin absagen | möchte meinen termin absagen
        ich muss den termin absagen | ich muss den termin leider absagen | muss den termin absagen
        muss den termin leider absagen | ich sage den termin ab | ich sage den termin leider ab | storno
        storno termin | stornieren | storniert | stornierung | storniere | termin stornieren
        den termin stornieren | meinen termin stornieren | ich storniere | ich möchte stornieren
        ich möchte den termin stornieren | ich muss stornieren | absagen termin | ich komme nicht | komme nicht
        wir kommen nicht | ich komme leider nicht | komme leider nicht | ich kann nicht | kann nicht
        ich kann leider nicht | kann leider nicht | leider nicht | wir können nicht | wir können leider nicht
        ich kann nicht kommen | kann nicht kommen | ich kann leider nicht kommen | kann leider nicht kommen
        wir können nicht kommen | wir können leider nicht kommen | ich schaffe es nicht | schaffe es nicht
        ich schaffe es leider nicht | schaffe es leider nicht | schaff es nicht | ich bin verhindert
        bin verhindert | ich bin leider verhindert | bin leider verhindert | leider verhindert | geht nicht
        geht leider nicht | das geht nicht | das geht leider nicht | passt nicht | passt leider nicht
        das passt nicht | das passt leider nicht | passt mir nicht | passt mir leider nicht | i cant | cant
        cannot | i cannot | no can do | not able to come | i am not able to come | im not able to come
        im not able to make it | im unable to make it | termin bitte absagen | den termin bitte absagen
        meinen termin bitte absagen | termin bitte stornieren | um absage | schaffe ich nicht
        ich schaffe das nicht | schaffe das nicht | das schaffe ich nicht | das schaffe ich leider nicht
        schaffe ich leider nicht | ich muss meinen termin absagen | muss meinen termin absagen
        ich muss meinen termin leider absagen | ich möchte meinen termin stornieren
        ich muss den termin stornieren | ich muss leider stornieren""",
    Meaning.STOP: """
        stop | stopall | stop all | unsubscribe | end | quit | revoke | optout | opt out | stopp | stop it
        stop this | stop texting | stop texting me | stop messaging me | stop sms | stop texts | stop messages
        stop sending | stop sending me messages | stop sending messages | stop sending me sms | stop all messages
        stop these messages | do not text me | dont text me | do not message me | dont message me | no more sms
        no more texts | no more messages | no more text messages | unsubscribe me | remove me | stoppen | aufhören
        abmelden | abbestellen | sms abbestellen | sms abmelden | keine sms | keine sms mehr
        keine nachrichten mehr | keine weiteren sms | keine weiteren nachrichten | ich möchte keine sms
        ich möchte keine sms mehr | ich will keine sms mehr | stop sending me texts | stop sending texts
        stop sending sms | keine sms mehr senden | keine sms mehr schicken | keine nachrichten mehr senden
        keine nachrichten mehr schicken | keine weiteren sms senden""",
    Meaning.START: "start | unstop | subscribe | resubscribe | opt in | optin",
    Meaning.HELP: "help | info | help me | hilfe",
    Meaning.ACCEPT: """
        accept | accepted | i accept | take it | i take it | i will take it | ill take it | id like to take it
        i would like to take it | annehmen | angenommen | ich nehme an | nehme an | ich nehme ihn | nehme ihn
        nehme ich | den nehme ich | ich nehme den termin | nehme den termin | ich nehme den termin an""",
    Meaning.DECLINE: """
        decline | declined | i decline | pass | i pass | ill pass | i will pass | ablehnen | abgelehnt
        ich lehne ab | lehne ab""",
    Meaning.COURTESY: """
        please | pls | plz | pleas | kindly | hi | hello | hey | hiya | good morning | good afternoon
        good evening | dear team | dear doctor | hi team | hello team | hi all | thanks again | much appreciated
        appreciated | great | perfect | wonderful | lovely | excellent | awesome | brilliant | cool | super | nice
        looking forward | bye | goodbye | have a nice day | have a good day | nice day | good day
        have a great day | take care | looking forward to it | bitte | bitte sehr | bitteschön | hallo | servus
        moin | grüezi | guten morgen | guten tag | guten abend | liebes team | liebes praxisteam
        sehr geehrte damen und herren | prima | perfekt | toll | wunderbar | freue mich | ich freue mich | tschüss
        ciao | schönen tag | schönen tag noch | einen schönen tag | schönes wochenende | vielen dank im voraus
        danke im voraus | 🙏 | 😊 | 🙂 | 😀 | 😃 | 😄 | 😁 | 😉 | ☺ | 🤗 | ❤ | 💙 | 🎉 | 👋 | 🌞 | ♀ | ♂""",
    Meaning.REGRET: """
        sorry | im sorry | i am sorry | so sorry | very sorry | im so sorry | apologies | my apologies
        unfortunately | im afraid | i am afraid | regrettably | sorry about that | sorry for that
        sorry for the inconvenience | leider | sorry dafür | entschuldigung | tut mir leid | es tut mir leid
        tut mir sehr leid | es tut mir sehr leid | bedaure | schade | 😔 | 😢 | 😞 | 🙁 | ☹ | 😕""",
    Meaning.CLOSING: """
        thanks | thank you | thank u | thankyou | thx | tnx | tks | ty | many thanks | thanks a lot
        thank you very much | thank you so much | thanks so much | thanks very much | cheers | ta | regards
        kind regards | best regards | warm regards | best | best wishes | all the best | sincerely
        yours sincerely | yours | love | x | xx | xxx | xo | xoxo | br | kr | danke | dankeschön | danke schön
        danke sehr | vielen dank | herzlichen dank | besten dank | tausend dank | merci | gruß | grüße | grüsse
        viele grüße | liebe grüße | liebe grüsse | lieben gruß | lieber gruß | beste grüße | herzliche grüße
        schöne grüße | freundliche grüße | freundlichen gruß | mit freundlichen grüßen | mit freundlichem gruß
        mit besten grüßen | mfg | lg | vg | vlg | glg | bg | hg | ihre | ihr | eure | euer""",
    Meaning.UNCLEAR: """
        no problem | no prob | no probs | no worries | no cancel | no change | no need | no doubt | no idea
        kein problem | nein absagen | no no | nee nee | i can not | i do not | i will not | yes and no
        ja und nein | jein""",
}

# Lines that phones add below a message: from there on the text is the phone's.
PHONE_SIGNATURES = (
    "sent from my", "sent from", "sent via", "get outlook for", "gesendet von meinem", "gesendet von", "gesendet mit",
    "von meinem iphone gesendet", "von meinem handy gesendet", "von meinem smartphone gesendet",
    "von meinem telefon gesendet", "diese nachricht wurde von meinem",
)  # fmt: skip

# Written with a capital letter, yet no name: a line of one of these says more than who wrote it.
NO_NAMES = """
    a abend abends aber able about above absolut acht actually after afternoon again age aged ago aktuell all
    allerdings allergic alles already also always am an and andere anderer anders another anruf anrufen any anyway
    appointment appointments arbeit are arrive arriving as asap ask at auf august aus ausnahmsweise ausser außerdem
    auto away back bad bahn bald be because bed been before begin behind besser bestimmt better between bin birthday
    bis bitten book booked booking both bring bringe broken bus but by call callback called calling came can cannot
    car chance change changed check child children come comes coming condition corona cough could covid dad daddy
    danach dann das day days deal december delay delayed den denke depends der des dezember did die dienstag dies
    diese dieser dieses different do doch doctor does done donnerstag dont doubt down drei during earlier early eher
    eight eilig eilt ein eine einen einer eins elf else email emergency end enough entweder er erst es etwas evening
    eventuell ever every exactly fast feb februar february fever few fieber first five for forget forgot four frage
    fragen freitag friday from früh früher fully fünf für ganz geht gerade gesperrt gestern get getting gleich go
    going gone good grippe hab habe haben had halb hast hat have her here heute him his hospital hour hours how
    however husband ich idea if ill im in inside instead into is ist it its januar january jetzt job juli july jun
    june juni just kann kein keine keiner kid kids kind kinder know komm kommt krank krankenhaus können last late
    later latest leave leaving less let lieber life like little long look lost mai man march may maybe me meeting
    mehr mein meine meinen meiner mich minute minuten minutes mir miss missed mittag mittags mittwoch mom moment
    monat monday montag month months more morgen morgens morning most move moved moving mrz much mum muss must my
    möchte möglich möglichst nach nachher nachmittag nachmittags nachricht need needed neu neue neuer neun never new
    next nicht nie niemals night nine noch none noon not nothing notice nov november now nun nur nächste nächsten
    october oder of off oft ohne oktober old on once one only open or other otherwise our out over paid pain pay
    person phone please possible possibly postpone praxis preis price probably problem probleme question questions
    quick quite rain rang read ready really reason reminder reply reschedule rescheduled resend right ring road
    running said same samstag sat saturday say schlecht schmerz schmerzen schnell schon sechs see send september
    seven she shift should sick sie sieben sind six so sobald solange some someone something sometimes son sonntag
    sonst soon sorry spät später staff stau stay still strike stuck such sun sunday sure tag tage take talk tel
    telefon ten termin termine text than that the their them then there they thing think third this three thursday
    tight till time times to today together tomorrow tonight too tooth traffic train try tuesday two u uhr um
    umbuchen umzug un und unless unsicher unsure unter until up urgent urlaub us use verlegen verschieben verspätung
    versuche very via vielleicht vier viertel visit vom von vor vorher vormittag vormittags wait waiting want war
    warte warten warum was way we weather wednesday week weekend weeks weg wegen weil well wenn wer werde were
    wetter what when where whether which while who why wie wieder wieso wife will window wir wird with wo woche
    wochen wohl wollen work working works worries worry would write wrong yesterday yet you your zahn zehn zeit zu
    zuerst zug zum zur zwei zwölf über übermorgen
"""
