"""Writes the Parquet files of this folder. Needs pyarrow; the files are of pyarrow 26."""
import datetime
import decimal
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent


def write(name, table, **options):
    options.setdefault("compression", "snappy")
    options.setdefault("store_schema", False)
    pq.write_table(table, HERE / name, write_page_checksum=True, **options)


# Row i of x is [i, i + 0.5, -i]; y is i; s is "s<i>"; 20 rows.
N = 20
x = pa.array([[float(i), i + 0.5, float(-i)] for i in range(N)], pa.list_(pa.float32()))
y = pa.array(list(range(N)), pa.int64())
s = pa.array([f"s{i}" for i in range(N)], pa.string())
plain = pa.table({"note": s, "x": x, "y": y, "s": s})
for codec in ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]:
    write(f"codec-{codec}.parquet", plain, compression=codec, row_group_size=8)
write("pages-v1.parquet", plain, row_group_size=16, data_page_size=32, use_dictionary=False, write_batch_size=1)
write("pages-v2.parquet", plain, row_group_size=16, data_page_size=32, data_page_version="2.0", write_batch_size=1, write_page_index=True)
write("delta.parquet", pa.table({"x": x, "y": y, "s": s}), use_dictionary=False,
      column_encoding={"x.list.element": "BYTE_STREAM_SPLIT", "y": "DELTA_BINARY_PACKED", "s": "DELTA_BYTE_ARRAY"})
write("legacy.parquet", pa.table({"x": x, "y": y, "s": s}), version="1.0", use_compliant_nested_type=False)
write("empty.parquet", plain.slice(0, 0))
write("extra.parquet", pa.table({"other": y, "x": x}))
write("groups.parquet", plain, row_group_size=5)

# The types of values: rows are their smallest and largest, and one.
numbers = {
    "int8": (pa.int8(), [-128, 127, 1]), "int16": (pa.int16(), [-(1 << 15), (1 << 15) - 1, 1]),
    "int32": (pa.int32(), [-(1 << 31), (1 << 31) - 1, 1]), "int64": (pa.int64(), [-(1 << 63), (1 << 63) - 1, 1]),
    "uint8": (pa.uint8(), [0, 255, 1]), "uint16": (pa.uint16(), [0, (1 << 16) - 1, 1]),
    "uint32": (pa.uint32(), [0, (1 << 32) - 1, 1]), "uint64": (pa.uint64(), [0, (1 << 64) - 1, 1]),
    "half": (pa.float16(), [-65504, 65504, 1]), "float": (pa.float32(), [-1.5, 3.0000001, 1]),
    "double": (pa.float64(), [-1e300, 0.1, 1]), "bool": (pa.bool_(), [False, True, True]),
    "binary": (pa.binary(), [b"\xff\x00", b"", b"abc"]), "fixed": (pa.binary(3), [b"abc", b"\x00\x01\x02", b"xyz"]),
    "date": (pa.date32(), [datetime.date(1970, 1, 1 + i) for i in (0, 1, 2)]),
    "decimal": (pa.decimal128(9, 2), [decimal.Decimal("1.25")] * 3),
}
write("types.parquet", pa.table({k: pa.array(v, t) for k, (t, v) in numbers.items()}))

# Lists in lists: 2 rows of 2x2x1, then one of 1x3x1, an empty one, ragged ones.
deep = [[[[1], [2]], [[3], [4]]], [[[5], [6]], [[7], [8]]], [[[9], [10], [11]]], [], [[[1], [2]], [[3]]], [[], []], [[[1]], []]]
write("deep.parquet", pa.table({"x": pa.array(deep, pa.list_(pa.list_(pa.list_(pa.int32()))))}))
write("fixed-size.parquet", pa.table({"x": pa.array([[1, 2], [3, 4]], pa.list_(pa.float64(), 2))}))

# Nulls: a row, an element; and an empty list.
write("nulls.parquet", pa.table({"x": pa.array([[1, 2], None, [3, None], [], [4, 5]], pa.list_(pa.float32())),
                                 "y": pa.array([1, 2, 3, 4, None], pa.int64())}))
write("nulls-v2.parquet", pa.table({"x": pa.array([[1, 2], None, [3, None], [], [4, 5]], pa.list_(pa.float32())),
                                    "y": pa.array([1, 2, 3, 4, None], pa.int64())}), data_page_version="2.0")
write("elements.parquet", pa.table({"x_1": [2.0, 5.0], "x_0": [1.0, 4.0], "x_2": [3.0, 6.0]}))
write("struct.parquet", pa.table({"x": pa.array([{"a": 1.0, "b": 2.0}])}))
write("strings.parquet", pa.table({"s": pa.array(["same"] * 90 + [f"row {i}" for i in range(10)])}))
write("long.parquet", pa.table({"s": pa.array([["a"], ["x" * 1000] * 1000, ["b"]], pa.list_(pa.string()))}))

# What a data owner has beside the inputs rooms and sqft. A null of an input and of
# others; in pages as they come.
stamp = datetime.datetime(2026, 11, 23, 12, 30, 1, 250000)
write("house.parquet", pa.table({
    "id": pa.array([7, 8, 9], pa.int64()), "rooms": pa.array([3.0, 4.0, None], pa.float64()), "name": pa.array(["a", None, "é, \"x\""]),
    "sqft": pa.array([40.5, None, 60.0], pa.float32()), "error": pa.array([True, False, None]),
    "at": pa.array([stamp, None, stamp], pa.timestamp("us", tz="UTC")), "day": pa.array([datetime.date(2026, 11, 23)] * 3),
    "price": pa.array([decimal.Decimal("1.25"), decimal.Decimal("-0.05"), None], pa.decimal128(9, 2)),
    "raw": pa.array([b"\xff\x00", b"ok", None]), "u": pa.array([255, 1, 0], pa.uint8()), "h": pa.array([1.5, 0, -2], pa.float16()),
    "tags": pa.array([["x"], [], None], pa.list_(pa.string())),
}))
