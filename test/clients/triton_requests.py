"""The Open Inference Protocol with tritonclient[http]: what requests may ask for."""

import numpy as np
import requests
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

import given
from open_inference import A, B, MultiTest, connect, multi, tensor


class RequestTest(MultiTest):
    def test_without_outputs_all_come_binary(self):
        result = self.infer(multi())
        self.assert_multi(result)
        outputs = result.get_response()["outputs"]
        self.assertTrue(all("binary_data_size" in o["parameters"] for o in outputs))

    def test_the_id_comes_back(self):
        name = given.server("multi").name
        response = self.infer(multi(), request_id='größer "1"').get_response()
        self.assertEqual(response["id"], 'größer "1"')
        self.assertEqual((response["model_name"], response["model_version"]), (name, "1"))
        self.assertNotIn("id", self.infer(multi()).get_response())

    def test_the_version_may_be_named(self):
        self.assert_multi(self.infer(multi(), model_version="1"))

    def test_only_the_chosen_outputs_come_in_the_chosen_order(self):
        wanted = [InferRequestedOutput("sum"), InferRequestedOutput("product")]
        response = self.infer(multi(), outputs=wanted).get_response()
        self.assertEqual([o["name"] for o in response["outputs"]], ["sum", "product"])

    def test_json_and_binary_mix(self):
        wanted = [
            InferRequestedOutput("product", binary_data=True),
            InferRequestedOutput("rounded", binary_data=False),
            InferRequestedOutput("sum", binary_data=True),
        ]
        inputs = [tensor("a", A, binary=False), tensor("b", B, binary=True)]
        self.assert_multi(self.infer(inputs, outputs=wanted))

    def test_the_order_of_inputs_is_the_clients(self):
        self.assert_multi(self.infer(multi()[::-1]))

    def test_parameters_for_other_servers_do_no_harm(self):
        options = {"sequence_id": 7, "sequence_start": True, "priority": 1, "timeout": 10**6}
        parameters = {"tenant": "a", "ratio": 0.5}
        self.assert_multi(self.infer(multi(), parameters=parameters, **options))

    def test_a_query_string_does_no_harm(self):
        self.assert_multi(self.infer(multi(), query_params={"trace": "on"}))


class CompressionTest(MultiTest):
    def test_requests(self):
        for algorithm in ("gzip", "deflate"):
            for binary in (True, False):
                with self.subTest(algorithm=algorithm, binary=binary):
                    inputs = multi(binary)
                    self.assert_multi(self.infer(inputs, request_compression_algorithm=algorithm))

    def test_responses(self):
        names = ("sum", "product", "rounded")
        for algorithm in ("gzip", "deflate"):
            for binary in (True, False):
                with self.subTest(algorithm=algorithm, binary=binary):
                    wanted = [InferRequestedOutput(name, binary) for name in names]
                    options = {"outputs": wanted, "response_compression_algorithm": algorithm}
                    self.assert_multi(self.infer(multi(), **options))

    def test_both_ways(self):
        options = {
            "request_compression_algorithm": "gzip",
            "response_compression_algorithm": "gzip",
        }
        self.assert_multi(self.infer(multi(), **options))

    def test_an_error_can_be_read(self):
        name = "no such input " * 200  # a message that would be worth compressing
        with self.assertRaises(InferenceServerException) as raised:
            inputs = multi() + [tensor(name, B)]
            self.infer(inputs, response_compression_algorithm="gzip")
        self.assertEqual(raised.exception.status(), "400")
        self.assertIn("no such input", raised.exception.message())


class OfflineTest(MultiTest):
    """Bodies that the client makes and reads, carried by something else."""

    def post(self, headers: dict) -> requests.Response:
        body, json_length = InferenceServerClient.generate_request_body(multi(), request_id="7")
        headers = headers | {"Inference-Header-Content-Length": str(json_length)}
        name = given.server("multi").name
        url = f"{given.server('multi').url}/v2/models/{name}/infer"
        # A null header keeps requests from adding its own.
        return requests.post(url, body, headers={"Accept-Encoding": None} | headers, stream=True)

    def read(self, response: requests.Response):
        self.assertEqual(response.status_code, 200)
        return InferenceServerClient.parse_response_body(
            response.raw.read(decode_content=False),
            header_length=int(response.headers["Inference-Header-Content-Length"]),
            content_encoding=response.headers.get("Content-Encoding"),
        )

    def test_a_body_made_and_read_by_hand(self):
        with self.post({"Content-Type": "application/octet-stream"}) as response:
            self.assertNotIn("Content-Encoding", response.headers)
            self.assertEqual(response.headers["Content-Type"], "application/octet-stream")
            result = self.read(response)
        self.assert_multi(result)
        self.assertEqual(result.get_response()["id"], "7")

    def test_gzip_is_sent_to_who_asks_for_it(self):
        with self.post({"Accept-Encoding": "gzip"}) as response:
            self.assertEqual(response.headers["Content-Encoding"], "gzip")
            self.assert_multi(self.read(response))


class ErrorTest(MultiTest):
    def test_the_message_is_ours(self):
        text = np.array([b"x"], np.object_)
        classes = [InferRequestedOutput("sum", class_count=3)]
        for inputs, options, status, fragment in (
            ([tensor("a", A)], {}, "400", "b"),
            (multi() + [tensor("c", B)], {}, "400", "c"),
            (multi() + [tensor("b", B)], {}, "400", "b"),
            ([tensor("a", A), tensor("b", B.astype(np.int64))], {}, "400", "INT64"),
            ([tensor("a", A), tensor("b", text)], {}, "400", "BYTES"),
            ([tensor("a", A), tensor("b", B[:7])], {}, "400", ""),
            (multi(), {"outputs": [InferRequestedOutput("average")]}, "400", "average"),
            (multi(), {"outputs": classes}, "400", "classification"),
            (multi(), {"parameters": {"signature_name": "other"}}, "400", "other"),
            (multi(), {"model_version": "2"}, "404", ""),
        ):
            names = [(i.name(), i.datatype(), i.shape()) for i in inputs]
            with self.subTest(inputs=names, options=options):
                with self.assertRaises(InferenceServerException) as raised:
                    self.infer(inputs, **options)
                self.assertEqual(raised.exception.status(), status, raised.exception)
                self.assertTrue(raised.exception.message())
                self.assertIn(fragment, raised.exception.message())

    def test_another_model_is_not_found(self):
        with connect("multi") as client, self.assertRaises(InferenceServerException) as raised:
            client.infer("other", multi())
        self.assertEqual(raised.exception.status(), "404")

    def test_shared_memory_is_refused(self):
        shared = InferInput("a", [1000, 3], "FP32")
        shared.set_shared_memory("region", A.nbytes)
        with self.assertRaises(InferenceServerException) as raised:
            self.infer([shared, tensor("b", B)])
        self.assertEqual(raised.exception.status(), "400")
        self.assertIn("shared memory", raised.exception.message())

    def test_calls_that_are_not_served_say_so(self):
        with connect("multi") as client:
            for call in (client.get_inference_statistics, client.get_model_repository_index):
                with self.assertRaises(InferenceServerException) as raised:
                    call()
                self.assertEqual(raised.exception.status(), "404")

    def test_the_same_connection_goes_on(self):
        name = given.server("multi").name
        with connect("multi") as client:
            for _ in range(3):
                with self.assertRaises(InferenceServerException):
                    client.infer(name, [tensor("a", A)])
                self.assert_multi(client.infer(name, multi()))


class ConcurrencyTest(MultiTest):
    def test_several_at_once_each_get_their_own_answer(self):
        name = given.server("multi").name
        with connect("multi", concurrency=8) as client:
            asked = []
            for i in range(32):
                inputs = [tensor("a", A[i : i + 1], i % 2 == 0), tensor("b", B[i : i + 1])]
                asked.append(client.async_infer(name, inputs, request_id=str(i)))
            for i, request in enumerate(asked):
                result = request.get_result()
                self.assertEqual(result.get_response()["id"], str(i))
                self.assert_same(result.as_numpy("product"), A[i : i + 1] * np.float32(i))


if __name__ == "__main__":
    given.main()
