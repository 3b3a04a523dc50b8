"""Units of measure: every spelling to one dimension and an exact factor."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from domain.text import fold

_TABLE: dict[str, tuple[tuple[str, str], ...]] = {
    # dimension -> (factor to the base unit, spellings separated by "|"); factors are exact.
    "length": (
        ("1/1000", "µm|um|micron|mikron"),
        ("1", "mm|millimeter|millimetre|millimetres|millimeters|milimeter|milimetro|milimetros"),
        ("10", "cm|cms|centimeter|centimetre|centimeters|centimetres|zentimeter|centimetro"),
        ("10", "centimetros|sentimeter"),
        ("1000", "m|mtr|mtrs|meter|metre|meters|metres|metro|metros"),
        ("1000000", "km|kilometer|kilometre|kilometers|kilometres"),
        ("127/5", "in|inch|inches|zoll|pouce|pouces|pulgada|pulgadas|inci|inchi|\"|''|″|”"),
        ("1524/5", "ft|foot|feet|fuß|pied|pieds|kaki|'|′|’"),
        ("4572/5", "yd|yds|yard|yards"),
    ),
    "area": (
        ("1", "cm2|cm²|sq cm|sqcm"),
        ("10000", "m2|m²|sqm|sq m|qm"),
        ("580644/625", "sqft|sq ft|ft2|ft²|square feet|square foot"),
    ),
    "mass": (
        ("1/1000000", "mcg|µg|ug|microgram|micrograms"),
        ("1/1000", "mg|milligram|milligrams"),
        ("1", "g|gm|gms|gr|gram|grams|gramm|gramme|grammes|gramo|gramos"),
        ("1000", "kg|kgs|kilo|kilos|kilogram|kilograms|kilogramm|kilogramme|kilogrammes"),
        ("1000", "kilogramo|kilogramos"),
        ("45359237/1600000", "oz|ounce|ounces|unze|unzen|once|onces|onza|onzas"),
        ("45359237/100000", "lb|lbs|pound|pounds|libra|libras|livre|livres"),
    ),
    "volume": (
        ("1", "ml|mls|milliliter|millilitre|milliliters|millilitres|mililitro|mililitros"),
        ("1", "cc|cm3|cm³"),
        ("10", "cl|centiliter|centilitre|centilitres|zentiliter"),
        ("100", "dl|deciliter|decilitre"),
        ("1000", "l|ltr|ltrs|lt|liter|litre|liters|litres|litro|litros"),
        ("473176473/16000000", "fl oz|fl. oz|fl.oz|floz|fl oz.|fluid ounce|fluid ounces"),
        ("473176473/1000000", "pint|pints|pt"),
        ("473176473/500000", "quart|quarts|qt"),
        ("473176473/125000", "gal|gallon|gallons|gallone|gallonen|galon"),
        ("1000000", "m3|m³|cubic meter|cubic meters"),
    ),
    "power": (("1/1000", "mw"), ("1", "w|watt|watts|watios|vatios"), ("1000", "kw|kilowatt")),
    "horsepower": (("1", "hp|ps|horsepower"),),
    "voltage": (("1/1000", "mv"), ("1", "v|volt|volts|voltios|vdc|vac"), ("1000", "kv")),
    "current": (("1/1000", "ma"), ("1", "a|amp|amps|ampere|amperes")),
    "charge": (("1", "mah"), ("1000", "ah")),
    "energy": (("1", "wh"), ("1000", "kwh"), ("1/1000", "mwh")),
    "heat": (("1", "btu"),),
    "frequency": (("1", "hz|hertz"), ("1000", "khz"), ("1000000", "mhz"), ("1000000000", "ghz")),
    "storage": (("1", "kb"), ("1024", "mb"), ("1048576", "gb|gigabyte|gigabytes|go"),
                ("1073741824", "tb|terabyte|terabytes")),
    "data_rate": (("1", "kbps"), ("1000", "mbps|mbit/s|mb/s"), ("1000000", "gbps|gbit/s|gb/s")),
    "pixels": (("1", "px|pixel|pixels"), ("1000000", "mp|megapixel|megapixels")),
    "resolution": (("1", "dpi|ppi"),),
    "light": (("1", "lm|lumen|lumens"),),
    "warmth": (("1", "k|kelvin"),),
    "celsius": (("1", "°c|º c|ºc|celsius"),),
    "fahrenheit": (("1", "°f|ºf|fahrenheit"),),
    "degree": (("1", "°|º|degree|degrees|grad|degré|degrés|grados|derajat"),),
    "percent": (("1", "%|percent|prozent|persen"),),
    "pressure_bar": (("1/1000", "mbar"), ("1", "bar")),
    "pressure_pa": (("1", "pa"), ("1000", "kpa"), ("1000000", "mpa")),
    "psi": (("1", "psi"),),
    "loudness": (("1", "db|decibel"),),
    "turns": (("1", "rpm|u/min|r/min"),),
    "torque": (("1", "nm|n.m"),),
    "speed": (("1", "km/h|kmh|kph"),),
    "speed_mph": (("1", "mph"),),
    "time": (
        ("1/1000", "ms"),
        ("1", "s|sec|secs|second|seconds|sekunde|sekunden|seconde|secondes|segundo|segundos"),
        ("60", "min|mins|minute|minutes|minuten|minuto|minutos|menit|minit"),
        ("3600", "h|hr|hrs|hour|hours|stunde|stunden|heure|heures|hora|horas|jam"),
        ("86400", "day|days|tag|tage|tagen|jour|jours|dia|dias|día|días|hari"),
        ("604800", "week|weeks|woche|wochen|semaine|semaines|semana|semanas|minggu"),
    ),
    # months and years are no fixed number of days
    "months": (
        ("1", "month|months|monat|monate|monaten|mois|mes|meses|bulan"),
        ("12", "year|years|yr|yrs|jahr|jahre|jahren|an|ans|année|années|año|años|tahun"),
    ),
    "weave": (("1", "gsm|g/m2|g/m²|gsmt"),),
    "yarn": (("1", "denier|den"),),
    "caliber": (("1", "awg|gauge|ga"),),
    "carat": (("1", "carat|carats|karat|kt"),),
    "dose": (("1", "iu|ie"),),
    "grit": (("1", "grit|körnung"),),
    "count": (
        ("1", "pack|packs|pk|pks|packet|packets|er pack|er-pack|er set|er-set|set|sets|count|ct"),
        ("1", "pcs|pc|pce|pieces|piece|pièce|pièces|pieza|piezas|stück|stueck|stk|st|unit|units"),
        ("1", "unidades|uds|ud|unités|buah|biji|keping|helai|lembar|pasang"),
        ("1", "pair|pairs|paar|paires|pares|rolls|roll|sheets|sheet|tablets|tablet|capsules"),
        ("1", "capsule|bottles|cans|bags|boxes|box|pads|tabs|tea bags|teabags|refills|cards"),
        ("1", "pages|ply"),
        ("12", "dozen|dozens|dutzend|douzaine|docena|lusin"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: what it measures and how many base units it holds."""

    dimension: str
    factor: Fraction


def _build_units() -> dict[str, Unit]:
    return {
        written: Unit(dimension, Fraction(factor))
        for dimension, rows in _TABLE.items()
        for factor, spellings in rows
        for spelling in spellings.split("|")
        for written in (spelling, fold(spelling))
    }


UNITS = _build_units()
"""Spelling, as it is and folded, to unit."""


def find_unit(spelling: str) -> Unit | None:
    """The unit that ``spelling`` names in any case, None when it names none."""
    return UNITS.get(fold(spelling)) or UNITS.get(fold(spelling).rstrip("."))
