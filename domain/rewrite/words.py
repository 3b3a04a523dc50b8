"""The rules engine's words: what may go first, what ends no text, how languages say and."""

from __future__ import annotations

from typing import Final

from domain.text import fold


def read_words(block: str) -> frozenset[str]:
    """The words of a block, folded."""
    return frozenset(fold(word) for word in block.split())


AND: Final = {"en": "and", "de": "und", "fr": "et", "es": "y", "ms": "dan"}

CONJUNCTIONS: Final = read_words("and or und oder et ou y dan atau")
DENIALS: Final = read_words(
    "no not non never without nicht kein keine keinen nie ohne pas sans no sin tidak bukan tanpa"
)
DETERMINERS: Final = read_words(
    """
    a an the this that these those your our my its their his her every each any some
    for with of in from by
    der die das dem den des ein eine einen einem einer dieser diese dieses ihr ihre unser unsere
    für mit von aus
    """
)
"""What may stand before a description and, without it, before the thing described."""

DANGLING: Final = read_words(
    """
    and or with for of in to the a an by from on at as into plus per via without your over under
    und oder mit für von aus im in der die das den dem ein eine zum zur auf ohne
    et ou avec pour de des du le la les en au aux un une sans sur
    y o con para del el los las un una sin por
    dan untuk dengan dari di yang atau pada
    """
)
"""Words that no title or tag ends with."""

OPENERS: Final = read_words(
    """
    low high long full fast quick new multi dual double single big ultra extra super heavy
    light soft hard strong non anti all more no not very deep wide thick thin real true
    self easy early internet led usb hot cold bad good oral under dolby cell
    talla taille pointure größe ukuran saiz ø gr lot isi
    suitable age aged ages upto compatible applicable supports featuring including includes
    """
)
"""Words that a cut leaves pointing at nothing: never the last of a shortened title."""

FILLERS: Final = read_words(
    """
    amazing awesome beautiful best elegant excellent exquisite fabulous fantastic fancy
    gorgeous great high-end incredible lovely luxury nice perfect popular premium
    stunning stylish super superb trendy ultimate unique wonderful
    fashionable newest latest brilliant must-have
    hochwertig hochwertige hochwertiger hochwertiges toll tolle perfekt perfekte schön schöne
    élégant superbe magnifique parfait haute hermoso increíble perfecto
    murah terbaik viral terlaris bagus baru cantik termurah promo
    """
)
"""Words that praise and say nothing: the first to go where a text is too long."""

PROMOTION: Final = (
    r"l@@k|ready\s?stocks?|现货|buy\s\d+\s(?:get|take|free)\s\d+(?:\s?%)?(?:\s(?:off|free))?|"
    r"\d+\s?%\s?off|free\s(?:gifts?|shipping|delivery|ongkir)|gratis\songkir|"
    r"flash\ssale|best[-\s]sell(?:ers?|ing)|hot\s(?:sale|item|selling)|new\sarrivals?|limited\s(?:time|offers?)|"
    r"local\s(?:seller|stock)|gratis\s?versand|(?:kostenloser|gratis)\sversand|versandkostenfrei|"
    r"livraison\sgratuite|env[ií]o\sgratis|ofertas?(?:\slimitadas?)?|sonderangebot|soldes|"
    r"(?:summer|winter|spring|autumn|christmas)\ssale|fast\s(?:delivery|shipping)|100%\s?(?:original|authentic|ori)|"
    r"pre-?order|(?:crazy\s)?(?:(?:\d+\.\d+|pay\s?day)\s)?promo(?:tion|si)?|diskon|termurah|terlaris|super\ssale|big\ssale"
)
"""What sellers put around a title to sell: says nothing of the product."""

LEADS: Final = read_words("with for fits mit für avec pour con para untuk dengan")
"""Words that open what a product is for or has."""

PAIRED: Final = frozenset(
    fold(pair)
    for pair in (
        "make up", "speed dial", "self watering", "air cushion", "mini usb", "micro usb",
        "sim card", "memory card", "power bank", "full hd", "dual sim", "touch screen",
        "stainless steel", "hard disk", "full coverage", "gift box", "rose gold",
        "yellow gold", "white gold", "sterling silver", "new balance", "bluetooth speaker",
    )
)  # fmt: skip
"""Two words that are one thing: a cut keeps both or neither."""

PLAIN: Final = read_words(
    "ethernet fibre fiber ionic optic midspan wireless dryer gigabit inline shipping delivery sale"
    " seller offer offers deal deals promo discount versand livraison gratuite envio gratis oferta"
)
"""Uncommon words that are no part of a name."""
