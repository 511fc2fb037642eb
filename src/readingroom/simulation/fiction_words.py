"""Words of fictional tenants: invented people, places of business, and sentences of mails in four languages.

Given names are common ones; family names are made up, so that nobody is meant. Sentences have slots `{topic}`,
`{city}`, `{day}`, `{number}`, `{percent}`, which `fiction_mails` fills.
"""

from __future__ import annotations

from typing import NamedTuple


class Language(NamedTuple):
    """What a language gives to a tenant; `ham`, `spam` and `either` are sentences."""

    given: tuple[str, ...]
    family: tuple[str, ...]
    cities: tuple[str, ...]
    streets: tuple[str, ...]
    topics: tuple[str, ...]
    days: tuple[str, ...]
    greetings: tuple[str, ...]
    closings: tuple[str, ...]
    ham: tuple[str, ...]
    spam: tuple[str, ...]
    either: tuple[str, ...]
    mentions: tuple[str, ...]  # sentences that name somebody at {name}
    subjects: tuple[tuple[str, ...], tuple[str, ...]]  # of ham, of spam


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|"))


ENGLISH = Language(
    given=_split(
        "Ada|Amelia|Anthony|Beatrice|Caroline|Clara|Daniel|Eleanor|Felix|Florence|George|Grace|Harriet|Henry|Isaac|Ivy|"
        "Jasper|Julia|Leonard|Lydia|Martha|Matthew|Nora|Oliver|Oscar|Penelope|Philip|Rosalind|Rupert|Simon|Sylvia|"
        "Theodore|Thomas|Violet|Walter|Winifred"
    ),
    family=_split(
        "Alderwick|Ashgrovely|Barrowden|Birchmoor|Blackensby|Brambleford|Castlebury|Cobblestowe|Copperdale|Cranwithy|"
        "Dunmorrow|Eastergale|Elderbrookham|Fairhollow|Farthingdell|Fenwickby|Gadderly|Glimmerton|Hallowmere|"
        "Harkenfield|Hazelthwaite|Inglenorth|Kettlesworth|Larkhampton|Lindenshaw|Marrowby|Merridown|Netherfold|"
        "Oakhamlin|Pemberlow|Quillington|Ravenstoke|Rowansby|Silverthwaite|Stonebarrow|Tanglewick|Thistledene|"
        "Umberleigh|Wetherspire|Willowcote|Windlebury|Yarrowfield"
    ),
    cities=_split("Chicago|Denver|Portland|Austin|Boston|Seattle|Atlanta|Dallas"),
    streets=_split("Market Street|Mill Road|Station Road|High Street|Park Avenue|Bridge Street|Church Lane"),
    topics=_split(
        "data quality|customer service|summer travel|energy saving|home design|small business|garden planning|"
        "online learning|food safety|public transport|road cycling|web security|office furniture|local history|"
        "project planning|music education"
    ),
    days=_split("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday"),
    greetings=_split("Dear {{contact.firstname}},|Hello,|Good morning,|Hi there,|Dear customer,|Dear reader,"),
    closings=_split("Kind regards|Best wishes|Thank you|See you soon|With thanks"),
    ham=_split(
        "Our workshop on {topic} takes place on {day} in {city}.|The agenda for the meeting is attached.|"
        "Please tell us by {day} whether you can attend.|The new report on {topic} is now available on our website.|"
        "We have moved the session on {topic} from {day} to next week.|Your registration for the event in {city} is "
        "confirmed.|The slides of the last session are in the library.|In this issue we look at {topic} and at what "
        "has changed since last year.|The support team answered {number} questions about {topic} this month.|"
        "Your invoice for last month is ready and can be read in the customer area.|We will update our systems on "
        "{day} between eight and ten in the evening.|A short survey about {topic} helps us to plan the next season.|"
        "The team in {city} has published its notes on {topic}.|Members can bring a friend to the evening in {city}.|"
        "The delivery of your order is planned for {day}.|Thank you for your feedback on our training about {topic}.|"
        "The next newsletter comes in four weeks.|The minutes of the meeting on {day} are on the shared page.|"
        "Please read the new terms of the contract before {day}.|We are looking for two speakers on {topic}.|"
        "The project on {topic} has reached its second stage.|Parking near the venue in {city} is limited, so please "
        "come by train."
    ),
    spam=_split(
        "Buy now and save {percent} percent on everything.|This offer ends tonight, so act now.|You have been selected "
        "to receive a free prize worth {number} dollars.|Lose weight in two weeks without any exercise.|Earn {number} "
        "dollars a day from home, no experience needed.|Click the button below to claim your reward.|Lowest prices on "
        "software, all originals, no questions asked.|Your loan of {number} dollars has been approved.|Limited stock, "
        "order today and pay nothing for shipping.|Double your money in thirty days, guaranteed.|No prescription, no "
        "doctor, delivered to your door.|Do not miss this once in a lifetime chance.|Winner! Your number {number} was "
        "drawn in our lottery.|Cheap watches that nobody can tell from the real ones.|Get rid of all your debt today.|"
        "Meet singles in {city} tonight.|Unbelievable deals on {topic}, only for a few hours.|Call now, the first "
        "hundred customers get a gift.|Risk free, money back, guaranteed results.|Your account will be closed unless "
        "you confirm it now.|Invest in this hot stock before it doubles on {day}.|Make your neighbours jealous for "
        "only {number} dollars."
    ),
    either=_split(
        "You can read more about it on our page.|If you do not want to receive this message, use the link below.|"
        "The offer holds for members and for guests.|There are {number} places left.|Reply to this message if you have "
        "a question.|Many of our readers in {city} have asked about {topic}.|New this week: {topic}.|We wish you a "
        "good {day}.|The discount of {percent} percent is taken off at the checkout.|Share this with your friends."
    ),
    mentions=_split(
        "Your contact for this is {name}.|{name} will open the session.|Please ask {name} for the details.|A question "
        "from {name} started this.|Recommended by {name}.|{name} wrote the summary.|We thank {name} for the photos."
    ),
    subjects=(
        _split(
            "Your invitation: {topic} in {city}|News about {topic}|Meeting on {day}|Your order is on its way|"
            "Minutes and next steps|Report on {topic}|Change of date: {day}|Questions about {topic}"
        ),
        _split(
            "Save {percent} percent today|You have won {number} dollars|Last chance, ends tonight|Cheap {topic} offers|"
            "Your loan is approved|Make money from home|Free gift inside|Act now"
        ),
    ),
)

FRENCH = Language(
    given=_split("Amélie|Benoît|Camille|Clémence|Étienne|François|Hélène|Jérôme|Léa|Margaux|Noémie|Théo"),
    family=_split(
        "Aubrissac|Beaumarnais|Castelroux|Durenval|Fontgivray|Grandclémence|Hautmesnil|Lavergnolle|Marchébois|"
        "Noirvallon|Préfontel|Rochebrunet|Saintverel|Valdempierre|Vauclérin"
    ),
    cities=_split("Lyon|Lille|Nantes|Bordeaux"),
    streets=_split("rue du Marché|avenue de la Gare|rue des Fleurs|place de la Mairie"),
    topics=_split("la qualité|le jardin|la musique|les voyages|la sécurité|la formation|le sport|la cuisine"),
    days=_split("lundi|mardi|mercredi|jeudi|vendredi"),
    greetings=_split("Bonjour,|Bonjour {{contact.firstname}},|Madame, Monsieur,"),
    closings=_split("Bien cordialement|Merci et à bientôt|Bonne journée"),
    ham=_split(
        "La réunion sur {topic} a lieu {day} à {city}.|Le rapport est disponible sur notre site.|Votre inscription est "
        "confirmée.|Nous avons changé la date de la formation.|Merci de répondre avant {day}.|Votre commande arrive "
        "{day}.|Le programme de la soirée est en ligne.|Cette lettre parle de {topic} et de nos projets."
    ),
    spam=_split(
        "Achetez maintenant et gagnez {number} euros.|Offre gratuite, seulement aujourd'hui.|Vous avez gagné un prix "
        "de {number} euros.|Perdez du poids sans effort.|Votre crédit est accepté.|Cliquez vite pour recevoir votre "
        "cadeau.|Travaillez à la maison et gagnez {number} euros par jour.|Prix bas garantis, sans risque."
    ),
    either=_split("Plus d'informations sur notre page.|Il reste {number} places.|Partagez ce message avec vos amis."),
    mentions=_split("Votre contact est {name}.|{name} ouvre la soirée.|Merci à {name} pour son aide."),
    subjects=(
        _split("Invitation : {topic}|Réunion de {day}|Votre commande|Nouvelles de {city}"),
        _split("Gagnez {number} euros|Offre gratuite|Votre crédit est accepté|Seulement aujourd'hui"),
    ),
)

SPANISH = Language(
    given=_split("Adrián|Begoña|Carmen|Fernando|Inés|Íñigo|Joaquín|Lucía|Marta|Nuria|Rocío|Sebastián"),
    family=_split(
        "Albarroyo|Castañuera|Cervantino|Fuentebrava|Guadarroble|Ibarrañez|Lozanejo|Montealdea|Navarrubia|Olmedillo|"
        "Peñadorre|Riocorvo|Santibrero|Torreblanca|Villarmenta"
    ),
    cities=_split("Madrid|Sevilla|Valencia|Bilbao"),
    streets=_split("calle Mayor|calle del Sol|avenida de la Paz|plaza Nueva"),
    topics=_split("la calidad|el jardín|la música|los viajes|la seguridad|la formación|el deporte|la cocina"),
    days=_split("lunes|martes|miércoles|jueves|viernes"),
    greetings=_split("Hola,|Hola {{contact.firstname}}:|Buenos días,"),
    closings=_split("Un saludo|Muchas gracias|Hasta pronto"),
    ham=_split(
        "La reunión sobre {topic} es el {day} en {city}.|El informe está en nuestra página.|Su inscripción está "
        "confirmada.|Hemos cambiado la fecha del curso.|Por favor, responda antes del {day}.|Su pedido llega el {day}.|"
        "El programa de la tarde está en la web.|Esta carta habla de {topic} y de nuestros proyectos."
    ),
    spam=_split(
        "Compre ahora y gane {number} euros.|Oferta gratis, solo hoy.|Usted ha ganado un premio de {number} euros.|"
        "Pierda peso sin esfuerzo.|Su crédito está aprobado.|Pulse aquí para recibir su regalo.|Trabaje en casa y gane "
        "{number} euros al día.|Precios bajos, sin riesgo."
    ),
    either=_split("Más información en nuestra página.|Quedan {number} plazas.|Comparta este mensaje con sus amigos."),
    mentions=_split("Su contacto es {name}.|{name} abre la tarde.|Gracias a {name} por su ayuda."),
    subjects=(
        _split("Invitación: {topic}|Reunión del {day}|Su pedido|Noticias de {city}"),
        _split("Gane {number} euros|Oferta gratis|Su crédito está aprobado|Solo hoy"),
    ),
)

GERMAN = Language(
    given=_split("Anneliese|Björn|Dörte|Friedrich|Gisela|Jürgen|Käthe|Lukas|Mareike|Sönke|Ulrike|Wolfgang"),
    family=_split(
        "Ackerstädt|Birkenhöfer|Dünenbrink|Eschweghaus|Falkenrieder|Grünwalderich|Haselbrügge|Kirchbüchel|Lindenörth|"
        "Mühlenkämper|Nordwiesner|Rosenbrück|Sonnenschläger|Tannhövel|Weidenröder"
    ),
    cities=_split("Hamburg|Leipzig|Bremen|Freiburg"),
    streets=_split("Marktstraße|Bahnhofstraße|Gartenweg|Am Brunnen"),
    topics=_split("Qualität|Garten|Musik|Reisen|Sicherheit|Bildung|Sport|Energie"),
    days=_split("Montag|Dienstag|Mittwoch|Donnerstag|Freitag"),
    greetings=_split("Guten Tag,|Hallo {{contact.firstname}},|Sehr geehrte Damen und Herren,"),
    closings=_split("Mit freundlichen Grüßen|Vielen Dank|Bis bald"),
    ham=_split(
        "Das Treffen zum Thema {topic} ist am {day} in {city}.|Der Bericht steht auf unserer Seite.|Ihre Anmeldung ist "
        "bestätigt.|Wir haben den Termin des Kurses verlegt.|Bitte antworten Sie bis {day}.|Ihre Bestellung kommt am "
        "{day}.|Das Programm des Abends ist online.|In diesem Brief geht es um {topic} und unsere Projekte."
    ),
    spam=_split(
        "Kaufen Sie jetzt und gewinnen Sie {number} Euro.|Kostenloses Angebot, nur heute.|Sie haben einen Preis von "
        "{number} Euro gewonnen.|Nehmen Sie ohne Mühe ab.|Ihr Kredit ist bewilligt.|Klicken Sie schnell und holen Sie "
        "Ihr Geschenk.|Verdienen Sie zu Hause {number} Euro am Tag.|Niedrige Preise, ganz ohne Risiko."
    ),
    either=_split("Mehr dazu auf unserer Seite.|Es gibt noch {number} Plätze.|Teilen Sie das mit Ihren Freunden."),
    mentions=_split("Ihr Kontakt ist {name}.|{name} eröffnet den Abend.|Wir danken {name} für die Hilfe."),
    subjects=(
        _split("Einladung: {topic}|Treffen am {day}|Ihre Bestellung|Neues aus {city}"),
        _split("{number} Euro gewinnen|Kostenloses Angebot|Ihr Kredit ist bewilligt|Nur heute"),
    ),
)

# how often each language is spoken by the people and mails of a tenant in a geo
SHARES: dict[str, tuple[tuple[str, float], ...]] = {
    "US": (("en", 0.88), ("es", 0.12)),
    "EU": (("en", 0.46), ("fr", 0.24), ("es", 0.18), ("de", 0.12)),
}
LANGUAGES = {"en": ENGLISH, "fr": FRENCH, "es": SPANISH, "de": GERMAN}
CODES = {"en": 1033, "fr": 1036, "es": 3082, "de": 1031}
COUNTRIES = {"en": "USA", "fr": "France", "es": "Spain", "de": "Germany"}
JOBS = _split(
    "Accountant|Architect|Buyer|Engineer|Librarian|Office manager|Planner|Sales manager|Teacher|Technician|Translator"
)
COMPANIES = _split(
    "Ambervale|Brightmoor|Cedarline|Dovetail Mills|Evenlode|Foxglove Works|Greystone|Harbourlight|Ironbridge Foods|"
    "Juniper Books|Kestrel Tools|Lanternfield|Millrace|Northwold|Orchard Lane|Pinecrest Optics|Quarrybank|Rivermead|"
    "Saltmarsh|Tidewater Labs|Underhill|Vellum Press|Westerly|Yewtree"
)
