"""Bodies that are no protocol: what NumPy, the csv module and JSON Lines write."""

import csv
import gzip
import io
import json

import ml_dtypes
import numpy as np
import requests
import zstandard

import given

NPY, CSV, LINES = "application/x-npy", "text/csv", "application/jsonlines"
RAW = "application/octet-stream"

# Servers whose only signature that counts is the identity of that type.
IDENTITIES = ("float", "double", "half", "int8", "int64", "uint16", "uint64", "bool")

MATRIX = np.array([[0.5, -1.25, 3], [1 / 3, 1e20, -0.0]])


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


class PlainTest(given.ArrayTest):
    def post(self, label: str, body, content_type: str, accept=None, status=200, **headers):
        headers = {"Content-Type": content_type, "Accept": accept or "*/*"} | headers
        url = given.server(label).model_url + ":predict"
        r = requests.post(url, body, headers={n.replace("_", "-"): h for n, h in headers.items()})
        self.assertEqual(r.status_code, status, r.text)
        return r

    def loaded(self, r: requests.Response) -> np.ndarray:
        self.assertEqual(r.headers["Content-Type"], NPY)
        return np.load(io.BytesIO(r.content), allow_pickle=False)

    def refused(self, label: str, body, content_type: str, **headers) -> str:
        return self.post(label, body, content_type, status=400, **headers).json()["error"]


class NumPyTest(PlainTest):
    def test_every_type_comes_back(self):
        for label in IDENTITIES:
            for case in given.cases("dtypes"):
                if case.signature == label:
                    with self.subTest(case=str(case)):
                        reply = self.post(label, saved(case.inputs["x"]), NPY, NPY)
                        self.assert_same(self.loaded(reply), case.outputs["y"])

    def test_orders(self):
        big = MATRIX.astype(">f4")
        fortran = np.asfortranarray(MATRIX.astype(np.float32))
        strided = np.repeat(MATRIX.astype(np.float32), 2, axis=1)[:, ::2]
        for name, array in {"big": big, "fortran": fortran, "strided": strided}.items():
            with self.subTest(order=name):
                reply = self.post("float", saved(array), NPY, NPY)
                self.assert_same(self.loaded(reply), MATRIX.astype(np.float32))

    def test_numbers_become_the_inputs_type(self):
        integers = np.array([[1, 2], [3, 100]])
        for dtype in ("u1", "i1", "<i2", ">i4", "<i8", ">u8", "<f2", "<f8"):
            with self.subTest(dtype=dtype):
                reply = self.post("float", saved(integers.astype(dtype)), NPY, NPY)
                self.assert_same(self.loaded(reply), integers.astype(np.float32))

    def test_numbers_that_would_change_are_refused(self):
        self.assertIn("1", self.refused("int8", saved(np.array([0, 128])), NPY))
        self.assertIn("float", self.refused("int64", saved(np.array([1.0])), NPY))

    def test_bfloat16_is_fed_and_read_as_float(self):
        values = np.array([1.5, -2.0, 1 / 3], np.float32)
        reply = self.post("bfloat16", saved(values), NPY, NPY)
        self.assert_same(self.loaded(reply), values.astype(ml_dtypes.bfloat16).astype(np.float32))

    def test_text(self):
        words = ["two", "größer", "zero", "none"]
        for array in (np.array(words), np.array([w.encode() for w in words])):
            reply = self.post("strings", saved(array), NPY, NPY)
            self.assert_same(self.loaded(reply), np.array([2, 3, 0, -1], np.int64))

    def test_text_comes_back(self):
        words = np.array([["two", "größer"], ["", "a,b"]])
        got = self.loaded(self.post("string", saved(words), NPY, NPY))
        self.assertEqual(got.dtype.kind, "S")
        self.assertEqual(np.char.decode(got, "utf-8").tolist(), words.tolist())

    def test_json_is_the_answer_for_who_does_not_ask(self):
        reply = self.post("float", saved(np.array([1.5, 2.0], np.float32)), NPY)
        self.assertEqual(reply.headers["Content-Type"], "application/json")
        self.assertEqual(reply.json(), {"predictions": [1.5, 2.0]})

    def test_json_may_be_answered_with_npy(self):
        reply = self.post("float", '{"instances":[1.5,2]}', "application/json", NPY)
        self.assert_same(self.loaded(reply), np.array([1.5, 2], np.float32))

    def test_pickles_are_refused(self):
        self.assertTrue(self.refused("float", saved(np.array([1.5, None], object)), NPY))


class RawTest(PlainTest):
    def test_the_header_says_the_shape(self):
        array = MATRIX.astype(np.float32)
        for text in ("2,3", "2, 3", "[2,3]", "-1,3"):
            with self.subTest(shape=text):
                reply = self.post("float", array.tobytes(), RAW, NPY, X_Tensor_Shape=text)
                self.assert_same(self.loaded(reply), array)

    def test_the_signature_says_the_shape(self):
        images = np.linspace(0, 1, 2 * 64, dtype=np.float32).reshape(2, 8, 8, 1)
        raw = self.loaded(self.post("digits", images.tobytes(), RAW, NPY))
        npy = self.loaded(self.post("digits", saved(images), NPY, NPY))
        self.assertEqual(raw.shape, (2, 10))
        self.assert_same(raw, npy)

    def test_a_shape_that_nobody_says_is_refused(self):
        message = self.refused("float", MATRIX.astype(np.float32).tobytes(), RAW)
        self.assertIn("X-Tensor-Shape", message)

    def test_bytes_that_do_not_fit_are_refused(self):
        self.assertTrue(self.refused("float", b"\0" * 23, RAW, X_Tensor_Shape="2,3"))


class CSVTest(PlainTest):
    def csv(self, rows: list, **options) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, **options).writerows(rows)
        return text.getvalue().encode()

    def rows(self, r: requests.Response) -> list[list[str]]:
        self.assertEqual(r.headers["Content-Type"].partition(";")[0], CSV)
        return list(csv.reader(io.StringIO(r.text, newline="")))

    def test_rows_of_numbers(self):
        for options in ({}, {"lineterminator": "\n"}, {"quoting": csv.QUOTE_ALL}):
            with self.subTest(options=options):
                body = self.csv(MATRIX.tolist(), **options)
                reply = self.post("float", body, CSV, NPY)
                self.assert_same(self.loaded(reply), MATRIX.astype(np.float32))

    def test_a_header_names_the_columns(self):
        body = self.csv([["x_2", "x_0", "x_1"], [3, 1, 2], [6, 4, 5]])
        reply = self.post("float", body, CSV, NPY)
        self.assert_same(self.loaded(reply), np.array([[1, 2, 3], [4, 5, 6]], np.float32))

    def test_several_inputs(self):
        body = self.csv([["a_0", "a_1", "a_2", "b"], [1, 2, 3, 10], [4, 5, 6, 20]])
        predictions = self.post("multi", body, CSV).json()["predictions"]
        self.assertEqual([row["sum"] for row in predictions], [16.0, 35.0])

    def test_text_with_commas_quotes_and_newlines(self):
        words = [["two"], ['a,"b"\nc'], ["größer"]]
        reply = self.post("strings", self.csv(words), CSV)
        self.assertEqual(reply.json(), {"predictions": [2, -1, 3]})

    def test_answers(self):
        reply = self.post("float", self.csv(MATRIX.tolist()), CSV, CSV)
        header, *rows = self.rows(reply)
        self.assertEqual(header, ["y_0", "y_1", "y_2"])
        self.assert_same(np.array(rows, np.float32), MATRIX.astype(np.float32))

    def test_several_outputs(self):
        body = self.csv([["a_0", "a_1", "a_2", "b"], [1, 2, 3, 10]])
        header, row = self.rows(self.post("multi", body, CSV, CSV))
        want = {"product_0": 10, "product_1": 20, "product_2": 30, "sum": 16}
        want |= {"rounded_0": 1, "rounded_1": 2, "rounded_2": 3}
        self.assertEqual(dict(zip(header, map(float, row), strict=True)), want)

    def test_a_ragged_line_is_named(self):
        self.assertIn("2", self.refused("float", b"1,2\n3\n", CSV))


class LinesTest(PlainTest):
    def lines(self, rows: list) -> bytes:
        return "".join(json.dumps(row) + "\n" for row in rows).encode()

    def test_rows(self):
        body = self.lines(MATRIX.tolist())
        reply = self.post("float", body, LINES, NPY)
        self.assert_same(self.loaded(reply), MATRIX.astype(np.float32))

    def test_named_inputs(self):
        body = self.lines([{"a": [1, 2, 3], "b": 10}, {"a": [4, 5, 6], "b": 20}])
        reply = self.post("multi", body, LINES, LINES)
        self.assertEqual(reply.headers["Content-Type"], LINES)
        rows = [json.loads(line)["prediction"] for line in reply.text.splitlines()]
        self.assertEqual([row["sum"] for row in rows], [16.0, 35.0])

    def test_answers(self):
        reply = self.post("float", self.lines([1.5, -2]), LINES, LINES)
        self.assertEqual(reply.text, '{"prediction":1.5}\n{"prediction":-2.0}\n')

    def test_a_bad_line_is_named(self):
        self.assertIn("2", self.refused("float", b'1.5\n"x"\n', LINES))


class EncodingTest(PlainTest):
    """Compressed bodies, both ways."""

    # Enough for a reply that is worth compressing, and alike enough.
    array = np.repeat(np.arange(64, dtype=np.float32), 64).reshape(64, 64)

    def test_requests(self):
        compress = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}
        for encoding, encoded in compress.items():
            for content_type in (NPY, RAW):
                with self.subTest(encoding=encoding, content_type=content_type):
                    plain = saved(self.array) if content_type == NPY else self.array.tobytes()
                    headers = {"Content_Encoding": encoding, "X_Tensor_Shape": "64,64"}
                    reply = self.post("float", encoded(plain), content_type, NPY, **headers)
                    self.assert_same(self.loaded(reply), self.array)

    def test_responses(self):
        # requests inflates gzip by itself, and zstd only with another package.
        inflate = {"gzip": bytes, "zstd": zstandard.ZstdDecompressor().decompress}
        for encoding, inflated in inflate.items():
            with self.subTest(encoding=encoding):
                reply = self.post("float", saved(self.array), NPY, NPY, Accept_Encoding=encoding)
                self.assertEqual(reply.headers["Content-Encoding"], encoding)
                self.assert_same(np.load(io.BytesIO(inflated(reply.content))), self.array)

    def test_small_replies_stay_as_they_are(self):
        reply = self.post("float", saved(self.array[0, :8]), NPY, NPY, Accept_Encoding="gzip")
        self.assertNotIn("Content-Encoding", reply.headers)
        self.assert_same(self.loaded(reply), self.array[0, :8])

    def test_a_bomb_is_refused(self):
        bomb = gzip.compress(bytes(64 << 20))
        self.post("float", bomb, RAW, status=413, Content_Encoding="gzip", X_Tensor_Shape="-1")


if __name__ == "__main__":
    given.main()
