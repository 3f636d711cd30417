"""Tests of heng.py against the installed library; TEST_MODEL names the small classifier of the fixtures."""

import gc
import os
import re
import unittest

import heng

try:
    import numpy
except ImportError:
    numpy = None

HEADER = os.environ.get("TEST_HEADER")
MODEL = os.environ.get("TEST_MODEL")


class Plain(unittest.TestCase):
    """What works without NumPy."""

    def test_devices(self):
        device = heng.devices()[0]
        self.assertEqual(device.index, 0)
        self.assertTrue(device.name and device.kind)
        self.assertIs(heng.devices()[0], device)

    def test_tables_follow_the_header(self):
        with open(HEADER, encoding="utf-8") as file:
            text = file.read()
        for struct, names in (
                ("heng_accelerator_table", heng._TABLE), ("heng_operator_table", heng._OPERATORS),
                ("heng_model_table", heng._MODELS), ("heng_interchange_table", heng._INTERCHANGE)):
            body = text[text.index(f"typedef struct {struct} {{"):text.index(f"}} {struct};")]
            found = re.findall(r"\(\*(\w+)\)\(", body)
            self.assertEqual(found[:len(names)], names, struct)

    def test_buffers_streams_and_events(self):
        device = heng.devices()[0]
        buffer, start, end = device.buffer(16, "uint8"), device.context.event(), device.context.event()
        stream = device.context.stream()
        stream.record(start)
        stream.fill(buffer, 7)
        stream.record(end)
        stream.synchronize()
        self.assertTrue(end.is_complete)
        self.assertGreaterEqual(end.elapsed_since(start), 0)
        self.assertEqual(bytes(buffer.memoryview()), b"\7" * 16)
        host = bytearray(16)
        stream.copy(host, buffer)
        stream.synchronize()
        self.assertEqual(host, b"\7" * 16)

    def test_errors_have_their_facts(self):
        device = heng.devices()[0]
        with self.assertRaises(heng.HengError) as caught:
            device.buffer(1 << 60, "float64")
        self.assertEqual(caught.exception.code, -12)
        self.assertEqual(caught.exception.operation, "buffer_allocate")
        self.assertIn("bytes", caught.exception.text)
        with self.assertRaises(heng.HengError) as caught:
            heng.Model("/nonexistent/model.onnx", device)
        self.assertEqual(caught.exception.code, -27)
        with self.assertRaisesRegex(ValueError, "none, run, threads"):
            heng.Model("/nonexistent/model.onnx", device, determinism="always")

    def test_closed_things_say_so(self):
        buffer = heng.devices()[0].buffer(4)
        buffer.close()
        buffer.close()
        with self.assertRaises(ValueError):
            buffer.address

    def test_own_tensors_cross_to_ourselves(self):
        buffer = heng.devices()[0].buffer((2, 3), "bfloat16")
        again = heng.from_dlpack(buffer)
        self.assertEqual((again.address, again.shape, again.dtype), (buffer.address, (2, 3), "bfloat16"))
        address = buffer.address
        del buffer
        gc.collect()
        self.assertEqual(again.address, address)
        self.assertEqual(len(heng._exported), 1)
        del again
        gc.collect()
        self.assertEqual(len(heng._exported), 0)


@unittest.skipIf(numpy is None, "NumPy is not installed for this Python")
class Arrays(unittest.TestCase):
    def setUp(self):
        self.device = heng.devices()[0]

    def test_arrays_come_in_without_a_copy(self):
        array = numpy.arange(6, dtype=numpy.float32).reshape(2, 3)
        buffer = heng.from_numpy(array, self.device)
        self.assertEqual(buffer.address, array.ctypes.data)
        self.device.stream.fill(buffer, 0)
        self.device.synchronize()
        self.assertTrue((array == 0).all())

    def test_arrays_go_out_without_a_copy(self):
        buffer = self.device.buffer((2, 3))
        array = buffer.numpy()
        self.assertEqual(array.ctypes.data, buffer.address)
        array[:] = 5
        self.assertEqual(buffer.numpy()[1, 2], 5)
        address = buffer.address
        del buffer
        gc.collect()
        self.assertEqual((array.ctypes.data, array[0, 0]), (address, 5))

    def test_dlpack_both_ways(self):
        for dtype in ("float16", "float64", "int8", "int64", "uint32", "bool", "complex64"):
            array = numpy.ones((3, 2), dtype)
            buffer = heng.from_dlpack(array, self.device)
            self.assertEqual((buffer.dtype, buffer.address), (dtype, array.ctypes.data))
            back = numpy.from_dlpack(buffer)
            self.assertEqual((back.ctypes.data, back.dtype), (array.ctypes.data, array.dtype))
        self.assertEqual(buffer.__dlpack_device__(), (1, 0))

    def test_capsules_of_before_dlpack_1(self):
        class Old:
            def __init__(self, tensor):
                self.tensor = tensor

            def __dlpack__(self):
                return self.tensor.__dlpack__()

            def __dlpack_device__(self):
                return (1, 0)

        array = numpy.arange(4, dtype=numpy.int32)
        buffer = heng.from_dlpack(Old(array), self.device)
        self.assertEqual(buffer.address, array.ctypes.data)
        back = numpy.from_dlpack(Old(buffer))
        self.assertEqual(back.ctypes.data, array.ctypes.data)
        del back, buffer
        gc.collect()
        self.assertEqual((len(heng._exported), len(heng._imported)), (0, 0))

    def test_a_capsule_that_nobody_takes_is_freed(self):
        buffer = self.device.buffer(4)
        for version in (None, (1, 0)):
            capsule = buffer.__dlpack__(max_version=version)
            self.assertEqual(len(heng._exported), 1)
            del capsule
            gc.collect()
            self.assertEqual(len(heng._exported), 0)

    def test_views_keep_their_strides(self):
        array = numpy.arange(12, dtype=numpy.float32).reshape(3, 4)
        buffer = heng.from_numpy(array[:, ::2], self.device)
        self.assertEqual(buffer.strides, (4, 2))
        self.assertTrue((buffer.numpy() == array[:, ::2]).all())

    def test_read_only_arrays_are_not_written_to(self):
        array = numpy.zeros(4, numpy.float32)
        array.flags.writeable = False
        try:
            buffer = heng.from_numpy(array, self.device)
        except BufferError:
            self.skipTest("this NumPy does not export arrays that are only read")
        with self.assertRaises(heng.HengError) as caught:
            self.device.stream.fill(buffer, 1)
        self.assertEqual(caught.exception.code, -25)

    def test_operators(self):
        a = heng.from_numpy(numpy.array([[1, 2], [3, 4]], numpy.float32), self.device)
        self.assertEqual(heng.operator("Add", [a, a]).numpy().tolist(), [[2, 4], [6, 8]])
        self.assertEqual(heng.operator("Reshape", [a, [4]]).shape, (4,))
        parts = heng.operator("Split", [a], {"axis": 1, "num_outputs": 2}, outputs=2)
        self.assertEqual([part.numpy().ravel().tolist() for part in parts], [[1, 3], [2, 4]])
        weight = numpy.eye(2, dtype=numpy.float32)
        self.assertEqual(heng.operator("Gemm", [a, weight], {"alpha": 2.0}).numpy().tolist(), [[2, 4], [6, 8]])
        with self.assertRaises(heng.HengError) as caught:
            heng.operator("Frobnicate", [a])
        self.assertEqual((caught.exception.code, caught.exception.operator_name), (-41, "Frobnicate"))

    def test_models(self):
        model = heng.Model(MODEL, self.device)
        self.assertEqual([name for name, _, _ in model.inputs], ["x"])
        x = numpy.array([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]], numpy.float32)
        both = model.run({"x": x})["probabilities"]
        self.assertEqual(both.shape, (2, 3))
        self.assertTrue(numpy.allclose(both.sum(axis=1), 1))
        one = model.run({"x": heng.from_numpy(x[:1], self.device)})["probabilities"]
        self.assertTrue(numpy.allclose(one, both[:1], atol=1e-6))
        with self.assertRaises(ValueError):
            model.run({"y": x})
        with open(MODEL, "rb") as file:
            again = heng.Model(file.read(), self.device, determinism="run").run({"x": x})["probabilities"]
        self.assertTrue((again == both).all())


if __name__ == "__main__":
    unittest.main()
