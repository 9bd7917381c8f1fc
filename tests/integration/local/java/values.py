# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Values of every type that is at its limits, or that something on the way has altered before."""

from __future__ import annotations

SETUP = """
CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree; CREATE EXTENSION isn; CREATE EXTENSION cube;
CREATE EXTENSION lo; CREATE EXTENSION intarray; CREATE EXTENSION seg;
CREATE TYPE mood AS ENUM ('sad','ok','');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE floatrange AS RANGE (subtype = float8);
CREATE DOMAIN posint AS int CHECK (value > 0);
CREATE DOMAIN posint2 AS posint;
CREATE DOMAIN dnum AS numeric(6,2);
CREATE DOMAIN dnumx AS numeric;
CREATE DOMAIN dtext AS text;
CREATE DOMAIN dvc AS varchar(10);
CREATE DOMAIN darr AS int[];
CREATE DOMAIN dtarr AS text[];
CREATE DOMAIN dpair AS pair;
CREATE DOMAIN dmood AS mood;
CREATE DOMAIN dts AS timestamptz;
CREATE DOMAIN dts3 AS timestamp(3);
CREATE DOMAIN dtime AS time;
CREATE DOMAIN dtimetz AS timetz;
CREATE DOMAIN ddate AS date;
CREATE DOMAIN dcursor AS refcursor;
CREATE DOMAIN dbytea AS bytea;
CREATE DOMAIN dhstore AS hstore;
CREATE DOMAIN dlsn AS pg_lsn;
CREATE DOMAIN dbit AS bit(3);
CREATE DOMAIN dbit1 AS bit(1);
CREATE DOMAIN dvarbit AS varbit;
CREATE DOMAIN dmoney AS money;
CREATE DOMAIN div AS interval;
CREATE DOMAIN duuid AS uuid;
CREATE DOMAIN djson AS jsonb;
CREATE DOMAIN drange AS int4range;
CREATE DOMAIN dmrange AS int4multirange;
CREATE DOMAIN dpoint AS point;
CREATE DOMAIN dchar AS "char";
CREATE DOMAIN dname AS name;
CREATE DOMAIN dbool AS bool;
CREATE DOMAIN dfloat4 AS float4;
"""
# Types without an input of their own.
INTERNAL = (
    "gtsvector", "pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list", "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary", "ghstore", "ltree_gist", "intbig_gkey",
)  # fmt: skip
# With modifiers, which the catalog does not list.
MODIFIED = (
    "numeric(6,2)", "numeric(38,0)", "numeric(1000,500)", "numeric(5,-2)", "numeric(3,5)", "numeric(6,2)[]",
    "numeric(5,-2)[]", "numeric(3,5)[]", "timestamp(0)", "timestamp(3)", "timestamp(6)", "timestamp(2)[]",
    "timestamp(6)[]", "timestamptz(0)", "time(0)", "time(3)", "time(6)", "time(3)[]", "timetz(2)", "bit(1)", "bit(8)",
    "bit(3)", "bit(3)[]", "bit(1)[]", "varbit(1)", "varbit(9)", "varbit(5)[]", "char(5)", "char(5)[]", "varchar(7)",
    "varchar(7)[]", "interval(2)", "interval year to month",
)  # fmt: skip
VALUES = {
    "boolean": ["t", "f"],
    "bytea": ["\\x00ff10", ""],
    '"char"': ["a", ""],
    "name": ['n,"x'],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "smallint": ["-32768"],
    "int2vector": ["1 2 -3", ""],
    "integer": ["-2147483648"],
    "regproc": ["now", "hstore_to_json"],
    "text": ['é,"{}\n😀\\', ""],
    "oid": ["4294967295"],
    "tid": ["(4294967295,65535)"],
    "xid": ["4294967295"],
    "cid": ["7"],
    "oidvector": ["1 4294967295", ""],
    "json": ['{"a" :  [1,null, "é"]}', "null"],
    "xml": ['<a b="c">é</a>', "x<y/>"],
    "point": ["(1,2)", "(0.1,1e300)", "(NaN,-Infinity)", "(-0,5e-324)"],
    "lseg": ["[(1,2),(3,4.5)]"],
    "path": ["((1,2),(3,4))", "[(1,2),(1,2)]"],
    "box": ["(3,4),(1,2)"],
    "polygon": ["((0,0),(1,1),(1,0))", "((0,0),(1,1),(0,0))", "((1,1))"],
    "line": ["{1,-1,0.1}"],
    "cidr": ["10.0.0.0/8", "::/0"],
    "real": ["1.1", "NaN", "-Infinity", "-0", "3.4028235e+38", "1e-45"],
    "double precision": ["0.3333333333333333", "NaN", "Infinity", "-0", "5e-324"],
    "circle": ["<(1,2),3>"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "money": ["-92233720368547758.08", "$1.50", "92233720368547758.07"],
    "macaddr": ["08:00:2b:01:02:03"],
    "inet": ["10.0.0.1", "10.0.0.1/8", "::1/128"],
    "aclitem": ["postgres=r/postgres"],
    "character": ["x", " "],
    "character varying": ["a ", ""],
    "date": [
        "2024-02-29",
        "infinity",
        "-infinity",
        "4713-01-01 BC",
        "5874897-12-31",
        "1582-10-04",
        "1582-10-05",
        "1582-10-14",
        "1582-10-15",
        "1582-10-24",
        "0001-12-31 BC",
        "1500-02-28",
        "0001-01-01",
    ],
    "time without time zone": ["24:00:00", "00:00:00", "23:59:59.999999"],
    "timestamp without time zone": [
        "2024-02-29 12:30:00.000001",
        "infinity",
        "-infinity",
        "4713-01-01 00:00:00 BC",
        "294276-12-31 23:59:59.999999",
        "294247-01-10 04:00:54.775806",
        "294247-01-10 04:00:54.775807",
        "294247-01-10 04:00:54.775808",
        "1582-10-10 00:00:00",
        "0001-12-31 23:00:00 BC",
        "1969-12-31 23:59:59.999999",
    ],
    "timestamp with time zone": [
        "2024-02-29 12:30:00.000001+02",
        "infinity",
        "-infinity",
        "4713-01-01 00:00:00+00 BC",
        "294276-12-31 23:59:59.999999+00",
        "1582-10-10 00:00:00+00",
        "0001-06-30 23:00:00+00 BC",
        "12024-02-29 12:30:00+00",
    ],
    "interval": [
        "1 year 2 mons -3 days 04:05:06.789012",
        "-00:00:00.000001",
        "178956970 years 7 mons",
        "2562047788:00:54.775807",
        "-2562047788:00:54.775807",
        "00:00:00",
        "-1 mons",
        "1 day -1:2:3.4",
    ],
    "time with time zone": ["12:00:00+02", "24:00:00-15:59", "00:00:00.5+05:30:15", "00:00:00+00"],
    "bit": ["0", "1"],
    "bit varying": ["", "101", "0101", "1" * 70],
    "numeric": ["NaN", "Infinity", "-Infinity", "1.500", "0", "-0.00", "1e100", "1e-100", "9" * 1000],
    "refcursor": ["abc"],
    "regprocedure": ["now()", "cube(double precision)"],
    "regoper": ["|/"],
    "regoperator": ["+(integer,integer)"],
    "regclass": ["pg_class", "many"],
    "regtype": ["int", "mood", "text[]"],
    "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "txid_snapshot": ["10:20:10,14"],
    "pg_lsn": ["16/B374D848", "FFFFFFFF/FFFFFFFF"],
    "tsvector": ["'a':1A,2 'b''c':3"],
    "tsquery": ["'a' & !'b':*"],
    "regconfig": ["english"],
    "regdictionary": ["simple"],
    "jsonb": ['{"b": 1.50, "a": [1e400, null]}'],
    "int4range": ["[1,5)", "empty", "(,)"],
    "numrange": ["[1.50,NaN)"],
    "tsrange": ["[infinity,infinity]"],
    "tstzrange": ['["2024-01-01 00:00:00+00",)'],
    "daterange": ["[2024-01-01,infinity)"],
    "int8range": ["[1,5)"],
    "jsonpath": ['$."a"[*]?(@ > 1)'],
    "regnamespace": ["public"],
    "regrole": ["postgres"],
    "regcollation": ['"C"'],
    "int4multirange": ["{[1,5),[7,9)}", "{}"],
    "nummultirange": ["{[1.0,2.0]}"],
    "tsmultirange": ["{(,)}"],
    "tstzmultirange": ['{["2024-01-01 00:00:00+00",)}'],
    "datemultirange": ["{[2024-01-01,2024-01-03)}"],
    "int8multirange": ["{[1,2)}"],
    "pg_snapshot": ["10:20:10,14"],
    "xid8": ["18446744073709551615"],
    "citext": ["ÄbC"],
    "hstore": ['"bb"=>NULL, "a"=>"x\\"\\\\y", ""=>"é\n", "ä"=>"1"', ""],
    "ltree": ["a.b.c"],
    "lquery": ["a.*"],
    "ltxtquery": ["a & b"],
    "ean13": ["978-0-393-04002-9"],
    "isbn13": ["978-0-393-04002-9"],
    "ismn13": ["979-0-2600-0043-8"],
    "issn13": ["977-0317847-00-1"],
    "isbn": ["0-393-04002-X"],
    "ismn": ["M-2600-0043-8"],
    "issn": ["0317-8471"],
    "upc": ["012345678905"],
    "cube": ["(1, 2),(3, 4)"],
    "lo": ["5"],
    "query_int": ["1&2"],
    "seg": ["1.0 .. 2.0"],
    "mood": ["sad", ""],
    "pair": ['(1,"a,b")', "(,)"],
    "floatrange": ["[1,2.5)"],
    "floatmultirange": ["{[1,2.5)}"],
    "posint": ["1"],
    "posint2": ["2"],
    "dnum": ["1.50", "NaN"],
    "dnumx": ["1.50", "NaN"],
    "dtext": ["x"],
    "dvc": ["x"],
    "darr": ["{1,NULL}", "{{1,2},{3,4}}", "[0:1]={7,8}"],
    "dtarr": ['{"NULL",NULL,"a\\"b",""}'],
    "dpair": ["(1,b)"],
    "dmood": ["ok"],
    "dts": ["infinity"],
    "dts3": ["infinity", "2024-01-01 00:00:00.123", "294276-12-31 23:59:59.999"],
    "dtime": ["24:00"],
    "dtimetz": ["24:00+01"],
    "ddate": ["infinity", "1582-10-10", "1582-10-20"],
    "dcursor": ["abc", ""],
    "dbytea": ["\\x01"],
    "dhstore": ["a=>1"],
    "dlsn": ["0/1"],
    "dbit": ["101"],
    "dbit1": ["1"],
    "dvarbit": ["01"],
    "dmoney": ["1.5"],
    "div": ["1 day"],
    "duuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "djson": ['{"a":1}'],
    "drange": ["[1,2)"],
    "dmrange": ["{[1,2)}"],
    "dpoint": ["(1,2)"],
    "dchar": ["x"],
    "dname": ["x"],
    "dbool": ["t"],
    "dfloat4": ["1.1"],
    "numeric(6,2)": ["9999.99", "NaN"],
    "numeric(38,0)": ["9" * 38],
    "numeric(1000,500)": ["1." + "0" * 499 + "1"],
    "numeric(5,-2)": ["12345", "NaN", "-9999900"],
    "numeric(3,5)": ["0.00123", "NaN"],
    "timestamp(0)": ["2024-01-01 00:00:01", "infinity"],
    "timestamp(3)": ["2024-01-01 00:00:01.123", "-infinity", "294276-12-31 23:59:59.999"],
    "timestamp(6)": ["2024-01-01 00:00:01.123456"],
    "timestamptz(0)": ["2024-01-01 00:00:01+00"],
    "time(0)": ["23:59:59", "24:00"],
    "time(3)": ["23:59:59.123"],
    "time(6)": ["23:59:59.123456"],
    "timetz(2)": ["12:00:00.12+02"],
    "bit(1)": ["1"],
    "bit(8)": ["10000001"],
    "bit(3)": ["001", "110"],
    "varbit(1)": ["", "0", "1"],
    "varbit(9)": ["", "000000001"],
    "char(5)": ["a", "", " b"],
    "varchar(7)": ["a  "],
    "interval(2)": ["1.23"],
    "interval year to month": ["1 year 2 mons"],
    "character(1)": ["x"],
    "varbit(5)": ["01"],
    "timestamp(2)": ["2024-01-01 00:00:01.12", "infinity"],
}


def values(name: str) -> list[str | None]:
    """Inputs of a type.

    Raises:
        KeyError: there are none, so a type would go untested.
    """
    if name in VALUES:
        return VALUES[name]
    if not name.endswith("[]"):
        raise KeyError(name)
    delimiter = ";" if name == "box[]" else ","
    quoted = ['"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in VALUES[name[:-2]]]
    return [
        "{" + delimiter.join(quoted) + "}",
        "{" + quoted[0] + delimiter + "NULL}",
        "{" + quoted[0] + "}",
        "{}",
        "{{" + quoted[0] + "}" + delimiter + "{" + quoted[-1] + "}}",
        "[0:0]={" + quoted[0] + "}",
        "{NULL}",
    ]
