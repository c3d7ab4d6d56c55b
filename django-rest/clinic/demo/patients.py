"""Patients of the demo clinic: names, families, phones."""

from random import Random

from clinic.demo.planned import PlannedPatient, email_of

PHONE_PREFIXES = ("+121255501", "+164655501")
PATIENTS = 120
GUESTS = 18
FIRST_NAMES = (
    "Aaliyah Abebe Agnieszka Ahmed Aiko Alejandra Anders Anjali Arjun Astrid Ayşe Beatriz Benedikt Bilal Camille Chidi "
    "Chloé Dalia Dmitri Edith Efua Elias Esther Fatima Femi Finn Freya Gabriel Giulia Hana Hassan Ines Isla Ivo Jamal "
    "Jin Joaquín Kaia Kenji Kwame Lars Leilani Lin Lucía Malik Marta Mei Mohamed Nadia Nia Niko Oluwaseun Omar Paloma "
    "Rafael Ravi Renée Rosa Samira Sanjay Sofia Soren Tamar Thandiwe Tomás Uma Valentina Viktor Wanjiru Xavier Yara Zoë"
).split()
LAST_NAMES = (
    "Abara Achterberg Adeyemi Aguilar Akhtar Almeida Andersen Baptiste Barzani Bautista Bellini Bergström Boateng "
    "Castellanos Chaudhry Chen Costa Dahl Danso Delacroix Desai Duarte Eriksen Esposito Fernández Fofana Fujimoto "
    "Ganesan Gutiérrez Haddad Halloran Hoang Ibrahim Ito Jansen Kamara Kapoor Kaya Kim Kovač Laurent Lindqvist Mbeki "
    "Mendoza Moreau Nakamura Nguyen Novák Obi Okonkwo Oliveira Park Petrova Popescu Rahman Rossi Saito Santos Sharma "
    "Silva Sørensen Tanaka Tremblay Vargas Wójcik Yilmaz Zhang Zimmermann"
).split()
SHARES_A_FAMILY_PHONE = 0.15


def plan_patients(rng: Random) -> list[PlannedPatient]:
    guests = set(rng.sample(range(PATIENTS), GUESTS))
    numbers = [f"{prefix}{number:02}" for prefix in PHONE_PREFIXES for number in range(100)]
    names: dict[str, tuple[str, bool]] = {}
    last_name, phone = "", ""
    while len(names) < PATIENTS:
        alone = not names or rng.random() >= SHARES_A_FAMILY_PHONE
        if alone:
            last_name, phone = rng.choice(LAST_NAMES), numbers.pop(0)
        name = f"{rng.choice(FIRST_NAMES)} {last_name}"
        while name in names:
            name = f"{rng.choice(FIRST_NAMES)} {last_name}"
        names[name] = (phone, alone)
    return [
        PlannedPatient(name, email_of(name), phone, phone_is_own, has_account=place not in guests)
        for place, (name, (phone, phone_is_own)) in enumerate(names.items())
    ]
