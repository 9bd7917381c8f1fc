# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Values of every base type of PostgreSQL, as the text that its input function takes."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from dataclasses import dataclass

Sample = Callable[[random.Random], str]

# Of so many bytes a value is stored out of line, whatever else its row has; what is random does not shrink.
_LARGE = (3_000, 20_000, 100_000)
_UNICODE = "äß€ 漢字 \U0001f600 \u200f\u0301\ufeff \t\r\n'\"\\%|,;:{}()[]<>&$\x01\x7fNULL"
_DAY = 86_400_000_000


@dataclass(frozen=True)
class Made:
    """How a base type is declared, and its values.

    Attributes:
        declared: in a column's definition, with its modifier.
        extremes: values that must have been tried.
        sample: any value.
        large: a value that is stored out of line; None where the type has none.
        key: whether it can be in a primary key, so that it has an order.
    """

    declared: str
    extremes: tuple[str, ...]
    sample: Sample
    large: Sample | None = None
    key: bool = True


# Base types that no column can show, with the reason.
LEFT_OUT = {
    "pg_node_tree": "its input function refuses every value",
    "pg_ndistinct": "its input function refuses every value",
    "pg_dependencies": "its input function refuses every value",
    "pg_mcv_list": "its input function refuses every value",
    "pg_brin_bloom_summary": "its input function refuses every value",
    "pg_brin_minmax_multi_summary": "its input function refuses every value",
    "gtsvector": "its input function refuses every value",
    "ghstore": "its input function refuses every value",
    "ltree_gist": "its input function refuses every value",
}


def words(rng: random.Random, most: int) -> str:
    """Text of up to so many characters, many of which something on the way could take for its own."""
    return "".join(rng.choice(_UNICODE + "abc xyz") for _index in range(rng.randint(0, most)))


def _noise(rng: random.Random) -> str:
    return base64.b64encode(rng.randbytes(rng.choice(_LARGE) * 3 // 4)).decode()


def _digits(rng: random.Random, whole: int, places: int) -> str:
    first = rng.choice(("", "-")) + "".join(rng.choices("0123456789", k=rng.randint(1, whole)))
    return first + "." + "".join(rng.choices("0123456789", k=places)) if places else first


def _date(rng: random.Random) -> str:
    year = rng.choice((rng.randint(1, 9999), rng.randint(1900, 2100), rng.randint(10_000, 290_000)))
    return f"{year:04}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}" + rng.choice(("", "", " BC" * (year < 4700)))


def _time(rng: random.Random) -> str:
    micros = rng.randrange(_DAY)
    seconds, rest = divmod(micros, 1_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return text + rng.choice(("", f".{rest:06}", f".{rest // 1000:03}"))


def _zone(rng: random.Random) -> str:
    return rng.choice(("+00", "-07:30", "+02", "+05:45", "-15:59:59", "+00:19:32", "+14"))


def _stamp(rng: random.Random, zone: str = "") -> str:
    day, _other, era = _date(rng).partition(" ")
    return f"{day} {_time(rng)}{zone}" + (f" {era}" if era else "")


def _interval(rng: random.Random) -> str:
    part = rng.choice((9, 999, 99_999))
    return (
        f"{rng.randint(-part, part)} years {rng.randint(-11, 11)} mons {rng.randint(-part, part)} days"
        f" {rng.choice(('', '-'))}{rng.randint(0, 99_999)}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"
        f".{rng.randrange(1_000_000):06}"
    )


def _number(rng: random.Random) -> str:
    """A coordinate."""
    return rng.choice((repr(rng.uniform(-1e6, 1e6)), str(rng.randint(-9, 9)), repr(rng.uniform(-1, 1) * 1e-300), "-0"))


def _point(rng: random.Random) -> str:
    return f"({_number(rng)},{_number(rng)})"


def _points(rng: random.Random, least: int = 1) -> str:
    return ",".join(_point(rng) for _index in range(rng.randint(least, 6)))


def _many_points(rng: random.Random) -> str:
    return "(" + ",".join(_point(rng) for _index in range(4000)) + ")"


def _json(rng: random.Random) -> str:
    blank = rng.choice(("", " ", "  \n"))
    text = words(rng, 30)
    value = {"b": [1, None, {"a": text}], "a": rng.randint(0, 2**70), text: rng.random(), "": True}
    return json.dumps(value, separators=("," + blank, ":" + blank), ensure_ascii=rng.random() < 0.5).replace(
        "\\u0000", ""
    )


def _tsvector(rng: random.Random) -> str:
    lexemes = {rng.choice(("fat", "cat", "it''s", "with blank", "größe", "\\\\")) for _index in range(4)}
    return " ".join(f"'{each}':{rng.randint(1, 16383)}{rng.choice('ABCD')}" for each in sorted(lexemes))


def _snapshot(rng: random.Random) -> str:
    low = rng.randint(1, 2**40)
    inner = sorted({low + rng.randint(0, 9) for _index in range(rng.randint(0, 3))})
    return f"{low}:{low + 10}:{','.join(map(str, inner))}"


def _pick(*values: str) -> Sample:
    return lambda rng: rng.choice(values)


def _whole(bits: int, signed: bool = True) -> tuple[tuple[str, ...], Sample]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return (str(low), str(high), "0"), lambda rng: str(rng.choice((rng.randint(low, high), rng.randint(0, 99))))


def _named(declared: str, *values: str) -> tuple[Made, ...]:
    return (Made(declared, values, _pick(*values)),)


_INT2, _INT4, _INT8, _UINT4, _UINT8 = _whole(16), _whole(32), _whole(64), _whole(32, False), _whole(64, False)
_STAMPS = (
    "infinity",
    "-infinity",
    "4714-11-24 00:00:00 BC",
    "0044-03-15 12:00:00.000001 BC",
    "0001-12-31 23:59:59.999999 BC",
    "0001-01-01 00:00:00",
    "1500-03-01 00:00:00",
    "1582-10-04 23:59:59.999999",
    "1582-10-05 00:00:00",
    "1582-10-10 01:02:03.000004",
    "1582-10-14 23:59:59",
    "1582-10-15 00:00:00",
    "1969-12-31 23:59:59.999999",
    "1970-01-01 00:00:00",
    "2024-02-29 12:00:00.5",
    "9999-12-31 23:59:59.999999",
    "10000-01-01 00:00:00",
    "294247-01-10 04:00:54.775806",
    "294247-01-10 04:00:54.775807",
    "294247-01-10 04:00:54.775808",
    "294276-12-31 23:59:59.999999",
)
_STAMPS_WITH_ZONE = tuple(text.replace(" BC", "+00 BC") if text[0].isdigit() and "BC" in text else
                          text + "+00" if text[0].isdigit() else text for text in _STAMPS)  # fmt: skip
_DATES = ("4714-11-24 BC", "0001-12-31 BC", "5874897-12-31", "infinity", "-infinity", "0001-01-01", "1500-03-01",
          "1582-10-04", "1582-10-05", "1582-10-10", "1582-10-14", "1582-10-15", "1582-10-20", "1582-10-24",
          "1969-12-31", "1970-01-01", "9999-12-31", "10000-01-01", "2024-02-29")  # fmt: skip
_NUMBERS = ("NaN", "Infinity", "-Infinity", "0", "0.000", "1.500", "1e100", "-1e-30", "1e-16383", "1" + "0" * 1000,
            "123456789.123456789123456789", "9" * 38, "9" * 39)  # fmt: skip
_INTERVALS = ("0", "1 year 2 mons 3 days 04:05:06.789", "-1 mons +2 days -00:00:00.000001", "178956970 years 7 mons",
              "-178956970 years -8 mons", "2147483647 days", "-2147483648 days", "2562047788:00:54.775807",
              "-2562047788:00:54.775807", "1.211607 seconds", "-1 year +3 days -04:05:06", "-0.5 seconds",
              "11 mons 30 days 24:00:00")  # fmt: skip
_TEXTS = ("", " ", "NULL", "null", _UNICODE, "__debezium_unavailable_value", "x" * 1500, "\\x00", "{}", "NaN")


def _text(declared: str, longest: int | None = None, key: bool = True) -> Made:
    extremes = tuple(text for text in _TEXTS if longest is None or len(text) <= longest)
    if longest is not None:
        extremes += ("€" * longest,)
    return Made(declared, extremes, lambda rng: words(rng, longest or 60), None if longest else _noise, key=key)


MADE: dict[str, tuple[Made, ...]] = {
    "bool": _named("boolean", "true", "false"),
    "bytea": (
        Made(
            "bytea",
            ("\\x", "\\x00ff00", "\\x010203ff", "\\x" + bytes(range(256)).hex(), "\\x" + b"\\x41".hex()),
            lambda rng: "\\x" + rng.randbytes(rng.randint(0, 60)).hex(),
            lambda rng: "\\x" + rng.randbytes(rng.choice(_LARGE)).hex(),
        ),
    ),
    # Of one byte; above 127 its text is octal.
    "char": _named('"char"', "a", "", '"', "\\", " ", "\x7f", "\n", "\\303"),
    "name": (Made("name", ("", "x" * 63, "Größe", '"'), lambda rng: words(rng, 15)),),
    "int2": (Made("smallint", *_INT2),),
    "int4": (Made("integer", *_INT4),),
    "int8": (Made("bigint", *_INT8),),
    "int2vector": (Made("int2vector", ("", "1", "-32768 32767"), _pick("1 2 3", "4", ""), key=False),),
    "oidvector": (Made("oidvector", ("", "0", "4294967295 1"), _pick("1 2 3", "4", "")),),
    "oid": (Made("oid", *_UINT4),),
    "regproc": _named("regproc", "now", "-", "4294967295"),
    "regprocedure": _named("regprocedure", "now()", "abs(integer)", "-", "4294967295"),
    "regoper": _named("regoper", "||/", "0", "4294967295"),
    "regoperator": _named("regoperator", "*(integer,integer)", "-(NONE,integer)", "0", "4294967295"),
    "regclass": _named("regclass", "pg_class", "-", "pg_toast.pg_toast_1255", "4294967295"),
    "regtype": _named("regtype", "timestamp with time zone", '"char"', "integer[]", "-", "4294967295"),
    "regcollation": _named("regcollation", '"C"', '"POSIX"', "-", "4294967295"),
    "regnamespace": _named("regnamespace", "pg_catalog", "-", "4294967295"),
    "regrole": _named("regrole", "pg_monitor", "-", "4294967295"),
    "regconfig": _named("regconfig", "simple", "english", "4294967295"),
    "regdictionary": _named("regdictionary", "simple", "english_stem", "4294967295"),
    "text": (_text("text"), _text('text COLLATE "C"')),
    "varchar": (_text("varchar"), _text("varchar(40)", 40), _text("varchar(1)", 1)),
    "bpchar": (_text("char(8)", 8), _text("char", 1), _text("bpchar")),
    "tid": (Made("tid", ("(0,0)", "(4294967295,65535)"), lambda rng: f"({rng.randint(0, 99)},{rng.randint(1, 99)})"),),
    "xid": (Made("xid", *_UINT4, key=False),),
    "cid": (Made("cid", *_UINT4, key=False),),
    "xid8": (Made("xid8", *_UINT8),),
    "txid_snapshot": (Made("txid_snapshot", ("1:1:", "10:20:10,14,15"), _snapshot, key=False),),
    "pg_snapshot": (Made("pg_snapshot", ("1:1:", "10:20:10,14,15"), _snapshot, key=False),),
    "pg_lsn": (
        Made(
            "pg_lsn",
            ("0/0", "FFFFFFFF/FFFFFFFF", "16/B374D848"),
            lambda rng: f"{rng.randrange(2**32):X}/{rng.randrange(2**32):X}",
        ),
    ),
    "json": (
        Made(
            "json",
            ("null", ' {"b": 1, "a" : 2,"a":1e400} ', '{"long": 12345678901234567890.10}', "[]", '"\\u00e4"', "  1.0"),
            _json,
            lambda rng: json.dumps({"noise": _noise(rng)}),
            key=False,
        ),
    ),
    "jsonb": (
        Made(
            "jsonb",
            ("null", '{"b": 1.50, "a": null, "": {}}', '"text"', "1e100", "[1, [2, [3]]]", '"__debezium"'),
            _json,
            lambda rng: json.dumps({"noise": _noise(rng)}),
        ),
    ),
    "xml": (
        Made(
            "xml",
            ("", "text", "<a/>", "<a>ä&lt;\n</a><b c='d'/>", "<?xml version='1.0'?><r> x </r>", "<!-- none -->"),
            lambda rng: f"<w n='{rng.randint(0, 99)}'>{rng.choice(('größer', ' ', '&amp;', '漢'))}</w>",
            lambda rng: f"<noise>{_noise(rng)}</noise>",
            key=False,
        ),
    ),
    "point": (
        Made("point", ("(0,0)", "(-0,1e300)", "(NaN,Infinity)", "(5e-324,-Infinity)", "(0.1,1e15)"), _point, key=False),
    ),
    "lseg": (
        Made("lseg", ("[(0,0),(0,0)]", "[(-0,1e300),(1,2)]"), lambda r: f"[{_point(r)},{_point(r)}]", key=False),
    ),
    "path": (
        Made("path", ("((0,0))", "[(0,0),(1,1)]", "((0,0),(1,1))"), lambda r: f"[{_points(r)}]", _many_points, False),
    ),
    "polygon": (
        Made("polygon", ("((0,0))", "((0,0),(1,1),(0,0))"), lambda r: f"({_points(r)})", _many_points, key=False),
    ),
    "box": (Made("box", ("(1,1),(0,0)", "(-0,0),(1e300,2)"), lambda r: f"{_point(r)},{_point(r)}", key=False),),
    "circle": (
        Made("circle", ("<(0,0),0>", "<(1,2),1e300>"), lambda r: f"<{_point(r)},{r.randint(0, 9)}.5>", key=False),
    ),
    "line": (Made("line", ("{1,2,3}", "{0,-1,1e300}"), lambda r: f"{{{r.randint(1, 9)},{_number(r)},-0}}", key=False),),
    "float4": (
        Made(
            "real",
            ("-3.4028235e38", "1e-45", "1.1754942e-38", "-0", "0", "NaN", "Infinity", "-Infinity", "0.1", "16777217"),
            lambda rng: repr(rng.uniform(-1e6, 1e6)),
        ),
    ),
    "float8": (
        Made(
            "double precision",
            ("-1.7976931348623157e308", "5e-324", "-0", "0", "NaN", "Infinity", "-Infinity", repr(1 / 3), "1e23"),
            lambda rng: repr(rng.uniform(-1e12, 1e12)),
        ),
    ),
    "numeric": (
        Made("numeric", _NUMBERS, lambda r: _digits(r, r.randint(1, 60), r.randint(0, 30)),
             lambda r: _digits(r, r.choice(_LARGE), 10_000)),
        Made("numeric(10,2)", ("NaN", "99999999.99", "-99999999.99", "0.01"), lambda r: _digits(r, 8, 2)),
        Made("numeric(38,10)", ("NaN", "9" * 28 + "." + "9" * 10, "-0.0000000001"), lambda r: _digits(r, 28, 10)),
        Made("numeric(39,0)", ("NaN", "9" * 39, "-" + "9" * 39), lambda r: _digits(r, 39, 0)),
        Made("numeric(60,20)", ("NaN", "-" + "9" * 40 + "." + "9" * 20), lambda r: _digits(r, 40, 20)),
        Made("numeric(5,-2)", ("NaN", "9999900", "-9999900", "0", "12345"), lambda r: _digits(r, 6, 0)),
        Made("numeric(3,5)", ("NaN", "0.00999", "-0.00999", "0"), lambda r: f"0.00{r.randint(0, 999):03}"),
        Made("numeric(38,38)", ("NaN", "0." + "9" * 38), lambda r: "0." + _digits(r, 1, 30).rpartition(".")[2]),
        Made("numeric(1000,500)", ("NaN", "9" * 500 + "." + "9" * 500), lambda r: _digits(r, 500, 500)),
        Made("numeric(1,0)", ("NaN", "9", "-9", "0"), lambda r: str(r.randint(-9, 9))),
    ),
    "money": (
        Made(
            "money",
            ("0", "-92233720368547758.08", "92233720368547758.07", "-0.01", "1234.5"),
            lambda rng: _digits(rng, 9, 2),
        ),
    ),
    "inet": (
        Made(
            "inet",
            ("0.0.0.0", "192.168.1.7/24", "2001:db8::1", "::ffff:1.2.3.4/128", "10.1.2.3/32", "::/0"),
            lambda rng: f"10.{rng.randrange(256)}.0.1/{rng.randint(8, 32)}",
        ),
    ),
    "cidr": (
        Made("cidr", ("0.0.0.0/0", "2001:db8::/32", "10.1.2.3/32"), lambda rng: f"10.{rng.randrange(256)}.0.0/16"),
    ),
    "macaddr": (Made("macaddr", ("00:00:00:00:00:00",), lambda rng: rng.randbytes(6).hex(":")),),
    "macaddr8": (Made("macaddr8", ("00:00:00:00:00:00:00:00",), lambda rng: rng.randbytes(8).hex(":")),),
    "aclitem": (Made("aclitem", ("=r/pg_monitor", "pg_monitor=ar*/pg_read_all_data"), _pick("=/pg_monitor"),
                     key=False),),
    "refcursor": (Made("refcursor", ("", "no cursor", '"'), lambda rng: words(rng, 15), key=False),),
    "date": (Made("date", _DATES, _date),),
    "time": (
        Made("time", ("24:00:00", "00:00:00", "23:59:59.999999"), _time),
        Made("time(3)", ("24:00:00", "23:59:59.9999"), _time),
        Made("time(0)", ("24:00:00", "23:59:59.4"), _time),
    ),
    "timetz": (
        Made(
            "timetz",
            ("24:00:00+00", "24:00:00-15:59:59", "00:00:00+15:59:59", "23:59:59.999999-12", "12:00:00+02:30:15"),
            lambda rng: _time(rng) + _zone(rng),
        ),
        Made("timetz(2)", ("24:00:00+00", "12:00:00.12+02"), lambda rng: _time(rng) + _zone(rng)),
    ),
    "timestamp": tuple(
        Made(declared, extremes, _stamp)
        for declared, extremes in (
            ("timestamp", _STAMPS),
            ("timestamp(3)", tuple(text for text in _STAMPS if "294276-12-31" not in text)),
            ("timestamp(0)", tuple(text for text in _STAMPS if "294276-12-31" not in text)),
        )
    ),
    "timestamptz": tuple(
        Made(declared, extremes, lambda rng: _stamp(rng, _zone(rng)))
        for declared, extremes in (
            ("timestamptz", _STAMPS_WITH_ZONE),
            ("timestamptz(3)", tuple(text for text in _STAMPS_WITH_ZONE if "294276-12-31" not in text)),
        )
    ),
    "interval": (
        Made("interval", _INTERVALS, _interval),
        Made("interval(3)", _INTERVALS[:3], _interval),
        Made("interval year to month", ("0", "178956970 years 7 mons", "-1 mons"), _interval),
        Made("interval day to second(0)", ("0", "2147483647 days", "-1 days +00:00:01"), _interval),
    ),
    "bit": (
        Made("bit", ("0", "1"), _pick("0", "1")),
        Made("bit(7)", ("0000000", "1111111", "1000000"), lambda rng: f"{rng.randrange(2**7):07b}"),
        Made("bit(64)", ("0" * 64, "1" * 64, "1" + "0" * 63), lambda rng: f"{rng.randrange(2**64):064b}"),
    ),
    "varbit": (
        Made("bit varying", ("", "101", "0101", "00000000"), lambda r: f"{r.randrange(2**20):0{r.randint(1, 30)}b}",
             lambda r: f"{r.getrandbits(r.choice(_LARGE)):b}"),
        Made("bit varying(5)", ("", "00000", "1"), lambda rng: f"{rng.randrange(2**5):b}"),
    ),
    "uuid": (
        Made("uuid", ("00000000-0000-0000-0000-000000000000", "f" * 32), lambda rng: rng.randbytes(16).hex()),
    ),
    "tsvector": (Made("tsvector", ("", "a", "'it''s':1A,2B c:3"), _tsvector,
                      lambda r: " ".join(r.randbytes(20).hex() for _index in range(3000))),),
    "tsquery": (Made("tsquery", ("", "a", "fat & !rat | 'it''s':*AB", "a <-> b <2> c"),
                     _pick("'größe'", "!( a | b ) & c", "'with blank'")),),
    "jsonpath": (Made("jsonpath", ("$", "strict $.a[*]?(@ > 1)"), _pick("lax $.\"ä\"", "$.a.b[last]"), key=False),),
    # Of extensions, where the server has them.
    "hstore": (
        Made("hstore", ("", "a=>1, b=>NULL", '""=>""', '"a b"=>"NULL"'), lambda r: f"k{r.randint(0, 9)}=>ä",
             lambda r: f"noise=>{_noise(r).replace('=', '')}, b=>NULL", key=False),
    ),
    "citext": (_text("citext"),),
    "ltree": (Made("ltree", ("", "Top.Science"), lambda r: f"a.b{r.randint(0, 9)}.C"),),
    "lquery": (Made("lquery", ("*.foo.*", "a@.*{1,2}"), _pick("x.*"), key=False),),
    "ltxtquery": (Made("ltxtquery", ("a & b*@", "!x"), _pick("x"), key=False),),
}  # fmt: skip
EXTENSIONS = ("hstore", "citext", "ltree")
OF_EXTENSIONS = ("hstore", "citext", "ltree", "lquery", "ltxtquery")
