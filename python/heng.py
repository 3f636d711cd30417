"""Every accelerator of the machine through libheng.so: devices, buffers, operators, models, DLPack and NumPy.

    import heng, numpy
    device = heng.devices()[0]
    a = heng.from_numpy(numpy.ones(4, numpy.float32), device)      # no copy where the device reaches the memory
    total = heng.operator("Add", [a, a])
    print(total.numpy())                                           # again no copy
    print(heng.Model("classifier.onnx", device).run({"x": numpy.zeros((2, 4), numpy.float32)}))

Needs Python 3.9; NumPy only where arrays come in or go out. The library is the one that the variable HENG_LIBRARY
names, the one installed with this file, or the one that the system finds.
"""

import ctypes
import os
import threading
from ctypes import (
    CFUNCTYPE, POINTER, Structure, byref, c_char, c_char_p, c_double, c_int32, c_int64, c_uint8, c_uint16, c_uint32,
    c_uint64, c_void_p, cast, sizeof)

__all__ = [
    "Buffer", "Context", "Device", "Event", "HengError", "Model", "Stream", "devices", "from_dlpack", "from_numpy",
    "operator"]

# ---- The structs of heng_accelerator.h, as far as they are needed here ----


class _Header(Structure):
    _fields_ = [("struct_size", c_uint32), ("struct_kind", c_uint32), ("next", c_void_p)]


class _Struct(Structure):
    """A struct that starts with a header, which it fills in itself."""

    _kind = 0

    def __init__(self, **fields):
        super().__init__(**fields)
        self.header = _Header(sizeof(type(self)), self._kind, None)


class _InitializeArguments(_Struct):
    _kind = 1
    _fields_ = [("header", _Header), ("abi_major", c_uint32), ("abi_minor", c_uint32), ("path", c_char_p)]


class _DeviceDescription(_Struct):
    _kind = 2
    _fields_ = [
        ("header", _Header), ("kind", c_char_p), ("name", c_char_p), ("vendor", c_char_p),
        ("memory_bytes", c_uint64), ("numa_node", c_int32), ("compute_units", c_uint32),
        ("buffer_alignment", c_uint32), ("copy_alignment", c_uint32), ("cpus", c_char_p),
        ("host_addressable", c_uint8), ("simulated", c_uint8), ("reserved", c_uint8 * 6),
        ("capabilities", c_uint64), ("uuid", c_uint8 * 16), ("pci_address", c_char_p), ("stream_limit", c_uint32),
        ("event_limit", c_uint32), ("context_limit", c_uint32), ("determinism", c_uint32)]


class _BufferArguments(_Struct):
    _kind = 4
    _fields_ = [("header", _Header), ("size", c_uint64), ("numa_node", c_int32), ("pages", c_int32)]


class _ErrorDescription(_Struct):
    _kind = 6
    _fields_ = [
        ("header", _Header), ("code", c_int32), ("scope", c_int32), ("native_code", c_int64),
        ("requested", c_uint64), ("available", c_uint64), ("operation", c_char_p), ("text", c_char_p),
        ("retriable", c_uint8), ("reserved", c_uint8 * 7), ("correlation", c_uint64), ("node", c_char_p),
        ("operator_name", c_char_p)]


class _Range(Structure):
    _fields_ = [("buffer", c_void_p), ("host", c_void_p), ("offset", c_uint64), ("size", c_uint64)]


class _TensorDescription(_Struct):
    _kind = 16
    _fields_ = [
        ("header", _Header), ("type", c_int32), ("format", c_int32), ("placement", c_int32), ("rank", c_uint32),
        ("dims", POINTER(c_int64)), ("strides", POINTER(c_int64)), ("dim_ranges", POINTER(c_int64)),
        ("name", c_char_p), ("constant", c_void_p), ("constant_size", c_uint64), ("quantization", c_void_p)]


class _Attribute(_Struct):
    _kind = 18
    _fields_ = [
        ("header", _Header), ("name", c_char_p), ("kind", c_int32), ("reserved", c_uint32), ("data", c_void_p),
        ("count", c_uint64)]


class _OperatorDescription(_Struct):
    _kind = 19
    _fields_ = [
        ("header", _Header), ("domain", c_char_p), ("name", c_char_p), ("version", c_int32),
        ("determinism", c_int32), ("accumulation", c_int32), ("input_count", c_uint32),
        ("output_count", c_uint32), ("attribute_count", c_uint32),
        ("inputs", POINTER(POINTER(_TensorDescription))), ("outputs", POINTER(POINTER(_TensorDescription))),
        ("attributes", POINTER(POINTER(_Attribute))), ("node", c_char_p)]


class _OperatorInfo(_Struct):
    _kind = 21
    _fields_ = [
        ("header", _Header), ("workspace_bytes", c_uint64), ("kept_inputs", c_uint64), ("algorithm", c_char_p),
        ("determinism", c_int32), ("in_place_input", c_int32)]


class _InferredTensor(_Struct):
    _kind = 23
    _fields_ = [
        ("header", _Header), ("dims", POINTER(c_int64)), ("capacity", c_uint32), ("rank", c_uint32),
        ("type", c_int32), ("reserved", c_uint32)]


class _ModelArguments(_Struct):
    _kind = 32
    _fields_ = [
        ("header", _Header), ("path", c_char_p), ("bytes", c_char_p), ("size", c_uint64), ("weights", _Range),
        ("working", _Range), ("inputs", POINTER(POINTER(_TensorDescription))), ("input_count", c_uint32),
        ("priority", c_int32), ("determinism", c_int32), ("accumulation", c_int32)]


class _ModelInfo(_Struct):
    _kind = 33
    _fields_ = [
        ("header", _Header), ("weight_bytes", c_uint64), ("working_bytes", c_uint64), ("input_count", c_uint32),
        ("output_count", c_uint32), ("node_count", c_uint32), ("dynamic", c_uint8), ("reserved", c_uint8 * 3)]


# The functions of each table in their order; the types of those that are used here, without the last, the error's.
_TABLE = (
    "initialize finalize device_count device_get device_describe device_synchronize context_create context_destroy "
    "context_memory_info context_limit_memory context_trim_memory stream_create stream_destroy stream_synchronize "
    "stream_wait_event stream_launch stream_launch_fallible stream_copy stream_fill event_create event_destroy "
    "event_record event_query event_synchronize event_elapsed buffer_allocate buffer_free buffer_host_address "
    "error_describe error_destroy group").split()
_OPERATORS = (
    "operator_list operator_supports operator_infer operator_prepare operator_execute operator_destroy "
    "operator_run").split()
_MODELS = (
    "model_query model_load model_unload model_describe model_input model_output model_run model_submit model_node "
    "model_save model_compatibility model_signature").split()
_INTERCHANGE = "tensor_export tensor_import".split()

_RANGES = POINTER(_Range)
_TYPES = {
    "initialize": [POINTER(_InitializeArguments)],
    "device_count": [POINTER(c_uint32)],
    "device_get": [c_uint32, POINTER(c_void_p)],
    "device_describe": [c_void_p, POINTER(_DeviceDescription)],
    "device_synchronize": [c_void_p],
    "context_create": [c_void_p, POINTER(c_void_p)],
    "context_destroy": [c_void_p],
    "stream_create": [c_void_p, c_void_p, POINTER(c_void_p)],
    "stream_destroy": [c_void_p],
    "stream_synchronize": [c_void_p, c_int32],
    "stream_wait_event": [c_void_p, c_void_p, c_uint64],
    "stream_copy": [c_void_p, _RANGES, _RANGES, c_uint64, c_uint64],
    "stream_fill": [c_void_p, _RANGES, c_uint8, c_uint64, c_uint64],
    "event_create": [c_void_p, POINTER(c_void_p)],
    "event_destroy": [c_void_p],
    "event_record": [c_void_p, c_void_p, c_uint64],
    "event_query": [c_void_p, POINTER(c_uint8)],
    "event_synchronize": [c_void_p, c_int32],
    "event_elapsed": [c_void_p, c_void_p, POINTER(c_double)],
    "buffer_allocate": [c_void_p, POINTER(_BufferArguments), POINTER(c_void_p)],
    "buffer_free": [c_void_p],
    "buffer_host_address": [c_void_p, POINTER(c_void_p)],
    "group": [c_uint32, POINTER(c_void_p)],
    "operator_infer": [
        c_void_p, POINTER(_OperatorDescription), POINTER(POINTER(_InferredTensor)), c_uint32],
    "operator_prepare": [
        c_void_p, POINTER(_OperatorDescription), POINTER(c_void_p), POINTER(_OperatorInfo)],
    "operator_execute": [c_void_p, c_void_p, _RANGES, c_uint32, _RANGES, c_uint32, _RANGES, c_uint64],
    "operator_destroy": [c_void_p],
    "model_query": [c_void_p, POINTER(_ModelArguments), POINTER(_ModelInfo)],
    "model_load": [c_void_p, POINTER(_ModelArguments), POINTER(c_void_p)],
    "model_unload": [c_void_p],
    "model_describe": [c_void_p, POINTER(_ModelInfo)],
    "model_input": [c_void_p, c_uint32, POINTER(POINTER(_TensorDescription))],
    "model_output": [c_void_p, c_uint32, POINTER(POINTER(_TensorDescription))],
    "model_run": [c_void_p, _RANGES, c_uint32, _RANGES, c_uint32],
    "model_save": [c_void_p, c_char_p],
    "model_signature": [
        c_void_p, POINTER(_ModelArguments), c_uint8, c_uint32, POINTER(_InferredTensor), c_char_p, c_uint64],
    "tensor_export": [c_void_p, _RANGES, POINTER(_TensorDescription), POINTER(c_void_p)],
    "tensor_import": [c_void_p, c_void_p, POINTER(c_void_p), POINTER(_TensorDescription)],
}

# ---- The library ----

_UNSUPPORTED, _MODEL_DYNAMIC = -11, -38


class HengError(Exception):
    """What the library reports: its class `code`, how far it reaches (`scope`), and the sentence `text`."""

    def __init__(self, code, scope=0, operation="", text="", correlation=0, node=None, operator_name=None):
        super().__init__(f"{operation}: {text} (code {code})" if text else f"{operation} failed with code {code}")
        self.code, self.scope, self.operation, self.text = code, scope, operation, text
        self.correlation, self.node, self.operator_name = correlation, node, operator_name


def _candidates():
    named = os.environ.get("HENG_LIBRARY")
    if named:
        return [named]
    installed = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "lib", "libheng.so.1")
    return [path for path in [installed] if os.path.exists(path)] + ["libheng.so.1"]


def _text(raw):
    return raw.decode("utf-8", "replace") if raw is not None else None


class _Library:
    """The table and the groups as Python functions that raise HengError."""

    def __init__(self):
        problems = []
        for path in _candidates():
            try:
                library = ctypes.CDLL(path)
                break
            except OSError as problem:
                problems.append(str(problem))
        else:
            raise ImportError("libheng.so cannot be loaded: " + "; ".join(problems))
        getter = library.heng_accelerator_get
        getter.restype, getter.argtypes = c_void_p, [c_uint32]
        table = getter(1)
        if not table:
            raise ImportError("libheng.so does not serve version 1 of the interface")
        # The header and two numbers and three texts come before the functions.
        self._functions(table, sizeof(_Header) + 8 + 24, _TABLE)
        arguments = _InitializeArguments(abi_major=1, abi_minor=0)
        self.initialize(byref(arguments))
        for kind, names in ((100, _OPERATORS), (102, _MODELS), (108, _INTERCHANGE)):
            group = c_void_p()
            self.group(kind, byref(group))
            self._functions(group.value, sizeof(_Header), names)

    def _functions(self, table, offset, names):
        size = c_uint32.from_address(table).value
        for index, name in enumerate(names):
            place = offset + 8 * index
            address = c_void_p.from_address(table + place).value if place + 8 <= size else None
            if name == "error_describe":
                self._describe = CFUNCTYPE(c_int32, c_void_p, POINTER(_ErrorDescription))(address)
            elif name == "error_destroy":
                self._destroy = CFUNCTYPE(None, c_void_p)(address)
            elif name in _TYPES:
                setattr(self, name, self._checked(name, address))

    def _checked(self, name, address):
        function = CFUNCTYPE(c_int32, *_TYPES[name], POINTER(c_void_p))(address or 0) if address else None

        def call(*arguments):
            if function is None:
                raise HengError(_UNSUPPORTED, 0, name, "This libheng.so does not have it.")
            error = c_void_p()
            status = function(*arguments, byref(error))
            if status != 0:
                raise self._error(status, error, name)

        return call

    def _error(self, status, error, name):
        if not error:
            return HengError(status, operation=name)
        facts = _ErrorDescription()
        self._describe(error, byref(facts))
        made = HengError(
            status, facts.scope, _text(facts.operation) or name, _text(facts.text) or "", facts.correlation,
            _text(facts.node), _text(facts.operator_name))
        self._destroy(error)
        return made


_library = None
_lock = threading.Lock()


def _heng():
    global _library
    with _lock:
        if _library is None:
            _library = _Library()
    return _library


# ---- Element types: the numbers are ONNX's ----

_NAMES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16",
    17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz", 21: "uint4",
    22: "int4", 23: "float4_e2m1fn", 24: "float8_e8m0fnu", 25: "uint2", 26: "int2"}
_NUMBERS = {name: number for number, name in _NAMES.items()}
_SIZES = {1: 4, 4: 2, 5: 2, 6: 4, 7: 8, 10: 2, 11: 8, 12: 4, 13: 8, 14: 8, 15: 16, 16: 2}


def _number(dtype):
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None) or getattr(dtype, "__name__", None)
    if name not in _NUMBERS:
        raise TypeError(f"{dtype!r} is not an element type; there are {', '.join(_NUMBERS)}")
    return _NUMBERS[name]


def _numpy():
    try:
        import numpy
    except ImportError:
        raise ImportError("NumPy is needed for arrays: install it, or use memoryview(buffer)") from None
    return numpy


def _numpy_type(number):
    try:
        return _numpy().dtype(_NAMES[number])
    except TypeError:
        raise TypeError(f"NumPy has no {_NAMES[number]}; use DLPack or memoryview(buffer)") from None


def _count(shape):
    count = 1
    for extent in shape:
        count *= extent
    return count


def _describe(number, shape, strides=None, name=None, constant=None):
    """A description with what it points to kept on it."""
    described = _TensorDescription(type=number, format=1, rank=len(shape))
    described.keep = [(c_int64 * max(1, len(shape)))(*shape)]
    described.dims = cast(described.keep[0], POINTER(c_int64))
    if strides is not None:
        described.keep.append((c_int64 * max(1, len(strides)))(*strides))
        described.strides = cast(described.keep[1], POINTER(c_int64))
    if name is not None:
        described.name = name.encode()
    if constant is not None:
        described.keep.append(constant)
        described.constant, described.constant_size = constant.ctypes.data or None, constant.nbytes
    return described


def _pointers(structs, kind):
    """An array of pointers, NULL for None."""
    array = (POINTER(kind) * max(1, len(structs)))()
    for index, struct in enumerate(structs):
        if struct is not None:
            array[index] = ctypes.pointer(struct)
    return array


# ---- Objects ----


class _Owned:
    """Something with a handle that is given back once: by close, or with the last reference."""

    _close = ""
    _handle = None

    def close(self):
        handle, self._handle = self._handle, None
        if handle is not None:
            getattr(_heng(), self._close)(handle)

    @property
    def handle(self):
        if self._handle is None:
            raise ValueError(f"the {type(self).__name__.lower()} is closed")
        return self._handle

    def __del__(self):
        try:
            self.close()
        except Exception:  # There is nobody to tell; close() tells.
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def devices():
    """All devices, in the library's order."""
    count = c_uint32()
    _heng().device_count(byref(count))
    with _lock:
        while len(_devices) < count.value:
            _devices.append(Device(len(_devices)))
    return list(_devices)


_devices = []


class Device:
    """One accelerator; `context` and `stream` are made when first used."""

    def __init__(self, index):
        handle, facts = c_void_p(), _DeviceDescription(numa_node=-1)
        _library.device_get(index, byref(handle))
        _library.device_describe(handle, byref(facts))
        self.index, self.handle = index, handle.value
        self.kind, self.name, self.vendor = _text(facts.kind), _text(facts.name), _text(facts.vendor)
        self.memory_bytes, self.compute_units = facts.memory_bytes, facts.compute_units
        self.host_addressable, self.simulated = bool(facts.host_addressable), bool(facts.simulated)
        self.capabilities, self.uuid = facts.capabilities, bytes(facts.uuid)
        self._context = None

    @property
    def context(self):
        if self._context is None:
            self._context = Context(self)
        return self._context

    @property
    def stream(self):
        return self.context.default_stream

    def buffer(self, shape, dtype="float32"):
        """A buffer for a tensor; its bytes are undefined."""
        return self.context.buffer(shape, dtype)

    def synchronize(self):
        _heng().device_synchronize(self.handle)

    def __repr__(self):
        return f"<heng.Device {self.index}: {self.name} ({self.kind})>"


class Context(_Owned):
    """The owner of streams, events and buffers on a device."""

    _close = "context_destroy"

    def __init__(self, device):
        handle = c_void_p()
        _heng().context_create(device.handle, byref(handle))
        self._handle, self.device, self._stream = handle.value, device, None

    @property
    def default_stream(self):
        # The stream must not keep its context alive for ever, so it is closed with it.
        if self._stream is None:
            self._stream = Stream(self, owner=False)
        return self._stream

    def close(self):
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        super().close()

    def stream(self):
        return Stream(self)

    def event(self):
        return Event(self)

    def buffer(self, shape, dtype="float32"):
        return Buffer._allocated(self, shape, _number(dtype))


class Stream(_Owned):
    """An ordered lane of work."""

    _close = "stream_destroy"

    def __init__(self, context, owner=True):
        handle = c_void_p()
        _heng().stream_create(context.handle, None, byref(handle))
        self._handle, self._context = handle.value, context if owner else None

    def copy(self, destination, source, correlation=0):
        """Copies between buffers, or between a buffer and an array; returns before it is done."""
        target, origin = _range(destination, True), _range(source)
        _heng().stream_copy(self.handle, byref(target), byref(origin), origin.size, correlation)

    def fill(self, destination, value, correlation=0):
        target = _range(destination, True)
        _heng().stream_fill(self.handle, byref(target), value, target.size, correlation)

    def record(self, event, correlation=0):
        _heng().event_record(event.handle, self.handle, correlation)

    def wait(self, event, correlation=0):
        _heng().stream_wait_event(self.handle, event.handle, correlation)

    def synchronize(self, milliseconds=-1):
        _heng().stream_synchronize(self.handle, milliseconds)


class Event(_Owned):
    """A point in a stream."""

    _close = "event_destroy"

    def __init__(self, context):
        handle = c_void_p()
        _heng().event_create(context.handle, byref(handle))
        self._handle, self._context = handle.value, context

    @property
    def is_complete(self):
        complete = c_uint8()
        _heng().event_query(self.handle, byref(complete))
        return bool(complete.value)

    def synchronize(self, milliseconds=-1):
        _heng().event_synchronize(self.handle, milliseconds)

    def elapsed_since(self, start):
        """Milliseconds from the record of `start` to this one."""
        elapsed = c_double()
        _heng().event_elapsed(start.handle, self.handle, byref(elapsed))
        return elapsed.value


class Buffer(_Owned):
    """A tensor in a device's memory."""

    _close = "buffer_free"

    def __init__(self, context, handle, shape, number, strides=None):
        self._handle, self.context, self.shape, self._type = handle, context, tuple(shape), number
        self._strides = strides

    @classmethod
    def _allocated(cls, context, shape, number):
        shape = (shape,) if isinstance(shape, int) else tuple(int(extent) for extent in shape)
        handle = c_void_p()
        arguments = _BufferArguments(size=max(1, _count(shape) * _SIZES.get(number, 1)), numa_node=-1)
        _heng().buffer_allocate(context.handle, byref(arguments), byref(handle))
        return cls(context, handle.value, shape, number)

    @property
    def device(self):
        return self.context.device

    @property
    def dtype(self):
        return _NAMES[self._type]

    @property
    def strides(self):
        """In elements."""
        if self._strides is not None:
            return self._strides
        strides, step = [], 1
        for extent in reversed(self.shape):
            strides.append(step)
            step *= extent
        return tuple(reversed(strides))

    @property
    def nbytes(self):
        """From the first element to behind the last."""
        if 0 in self.shape:
            return 0
        last = sum((extent - 1) * stride for extent, stride in zip(self.shape, self.strides))
        return (last + 1) * _SIZES.get(self._type, 1)

    @property
    def address(self):
        """Where the host reaches the bytes; raises where it cannot."""
        address = c_void_p()
        _heng().buffer_host_address(self.handle, byref(address))
        return address.value

    def memoryview(self):
        """The bytes in place, on devices whose memory the host reaches."""
        memory = (c_char * self.nbytes).from_address(self.address)
        memory.owner = self
        return memoryview(memory).cast("B")

    def numpy(self):
        """An array over the same bytes, where the host reaches them; else a copy."""
        numpy, kind = _numpy(), _numpy_type(self._type)
        if not self.device.host_addressable:
            array = numpy.empty(self.shape, kind)
            self.device.stream.copy(array, self)
            self.device.stream.synchronize()
            return array
        if self.nbytes == 0:
            return numpy.empty(self.shape, kind)
        memory = (c_char * self.nbytes).from_address(self.address)
        memory.owner = self  # The array holds the memory, and the memory holds the buffer.
        strides = [stride * kind.itemsize for stride in self.strides]
        return numpy.ndarray(self.shape, kind, memory, 0, strides)

    def _range(self):
        return _Range(self.handle, None, 0, self.nbytes)

    # -- DLPack --

    def __dlpack_device__(self):
        if not self.device.host_addressable:
            raise BufferError("the memory of this device is not exported")
        return (1, 0)

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        if copy:
            raise BufferError("a copy is the consumer's to make")
        if dl_device is not None and tuple(dl_device) != self.__dlpack_device__():
            raise BufferError("the tensor lies on another device")
        self.device.synchronize()
        described, tensor = _describe(self._type, self.shape, self.strides), c_void_p()
        _heng().tensor_export(self.device.handle, byref(self._range()), byref(described), byref(tensor))
        if max_version is not None and max_version[0] >= 1:
            return _capsule(tensor.value, self)
        return _legacy_capsule(tensor.value, self)

    def __repr__(self):
        return f"<heng.Buffer {self.dtype}{list(self.shape)} on {self.device.name}>"


def _range(place, writes=False):
    """The range of a buffer or of an array."""
    if isinstance(place, Buffer):
        return place._range()
    view = memoryview(place)
    if not view.c_contiguous or (writes and view.readonly):
        raise BufferError("host memory must be contiguous, and writable where it is written to")
    interface = getattr(place, "ctypes", None)
    if interface is not None:
        address = interface.data
    else:
        if view.readonly:
            raise BufferError("bytes that cannot be written need a bytearray or an array")
        address = ctypes.addressof((c_char * view.nbytes).from_buffer(view)) if view.nbytes else None
    made = _Range(None, address, 0, view.nbytes)
    made.keep = place
    return made


# ---- DLPack: capsules around the library's tensors ----


class _Tensor(Structure):
    _fields_ = [
        ("data", c_void_p), ("device_type", c_int32), ("device_id", c_int32), ("ndim", c_int32),
        ("code", c_uint8), ("bits", c_uint8), ("lanes", c_uint16), ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)), ("byte_offset", c_uint64)]


class _Managed(Structure):
    """DLManagedTensorVersioned."""

    _fields_ = [
        ("major", c_uint32), ("minor", c_uint32), ("manager_ctx", c_void_p), ("deleter", c_void_p),
        ("flags", c_uint64), ("tensor", _Tensor)]


class _LegacyManaged(Structure):
    """DLManagedTensor, as consumers before DLPack 1 know it."""

    _fields_ = [("tensor", _Tensor), ("manager_ctx", c_void_p), ("deleter", c_void_p)]


_Deleter = CFUNCTYPE(None, c_void_p)
_python = ctypes.pythonapi
_new_capsule = ctypes.PYFUNCTYPE(ctypes.py_object, c_void_p, c_char_p, c_void_p)(("PyCapsule_New", _python))
_is_capsule = ctypes.PYFUNCTYPE(ctypes.c_int, c_void_p, c_char_p)(("PyCapsule_IsValid", _python))
_capsule_pointer = ctypes.PYFUNCTYPE(c_void_p, c_void_p, c_char_p)(("PyCapsule_GetPointer", _python))
_rename_capsule = ctypes.PYFUNCTYPE(ctypes.c_int, c_void_p, c_char_p)(("PyCapsule_SetName", _python))

# Capsules keep a pointer to their name, so these live as long as the module.
_VERSIONED, _USED_VERSIONED = b"dltensor_versioned", b"used_dltensor_versioned"
_LEGACY, _USED_LEGACY = b"dltensor", b"used_dltensor"

# What exported tensors need until their consumer deletes them, by the tensor's address.
_exported = {}


@_Deleter
def _delete_exported(address):
    kept = _exported.pop(address, None)
    if kept is not None:
        _Deleter(kept[1])(kept[0])


def _call_deleter(address, offset):
    deleter = c_void_p.from_address(address + offset).value
    if deleter:
        _Deleter(deleter)(address)


@ctypes.PYFUNCTYPE(None, c_void_p)
def _drop_capsule(capsule):
    """A capsule that nobody consumed takes its tensor with it."""
    for name, offset in ((_VERSIONED, _Managed.deleter.offset), (_LEGACY, _LegacyManaged.deleter.offset)):
        if _is_capsule(capsule, name):
            _call_deleter(_capsule_pointer(capsule, name), offset)


def _capsule(address, owner):
    managed = _Managed.from_address(address)
    _exported[address] = (address, managed.deleter, owner)
    managed.deleter = cast(_delete_exported, c_void_p).value
    return _new_capsule(address, _VERSIONED, cast(_drop_capsule, c_void_p))


def _legacy_capsule(address, owner):
    managed, legacy = _Managed.from_address(address), _LegacyManaged()
    legacy.tensor = managed.tensor
    legacy.deleter = cast(_delete_exported, c_void_p).value
    _exported[ctypes.addressof(legacy)] = (address, managed.deleter, owner, legacy)
    return _new_capsule(ctypes.addressof(legacy), _LEGACY, cast(_drop_capsule, c_void_p))


# What imported tensors of consumers before DLPack 1 need until the library deletes them.
_imported = {}


@_Deleter
def _delete_imported(address):
    kept = _imported.pop(address, None)
    if kept is not None:
        _call_deleter(kept[0], _LegacyManaged.deleter.offset)


def _upgraded(address):
    """A tensor of DLPack 1 around one from before."""
    managed = _Managed(major=1, minor=0)
    managed.tensor = _LegacyManaged.from_address(address).tensor
    managed.deleter = cast(_delete_imported, c_void_p).value
    _imported[ctypes.addressof(managed)] = (address, managed)
    return ctypes.addressof(managed)


def from_dlpack(tensor, device=None):
    """A buffer over the memory of another library's tensor, without a copy."""
    context = (device or devices()[0]).context
    try:
        capsule = tensor.__dlpack__(max_version=(1, 0))
    except TypeError:
        capsule = tensor.__dlpack__()
    place = id(capsule)  # In CPython the address of the object, which is what the functions take.
    versioned = bool(_is_capsule(place, _VERSIONED))
    if not versioned and not _is_capsule(place, _LEGACY):
        raise BufferError("the tensor gave no capsule of DLPack")
    given = _capsule_pointer(place, _VERSIONED if versioned else _LEGACY)
    address = given if versioned else _upgraded(given)
    handle, described = c_void_p(), _TensorDescription()
    try:
        _heng().tensor_import(context.handle, address, byref(handle), byref(described))
    except HengError:
        _imported.pop(address, None)
        raise
    _rename_capsule(place, _USED_VERSIONED if versioned else _USED_LEGACY)
    shape = tuple(described.dims[axis] for axis in range(described.rank))
    strides = tuple(described.strides[axis] for axis in range(described.rank)) if described.strides else None
    return Buffer(context, handle.value, shape, described.type, strides)


def from_numpy(array, device=None):
    """A buffer with an array's elements: over its memory where the device reaches it, else a copy."""
    device = device or devices()[0]
    if device.host_addressable:
        return from_dlpack(array, device)
    array = _numpy().ascontiguousarray(array)
    buffer = device.buffer(array.shape, array.dtype)
    device.stream.copy(buffer, array)
    device.stream.synchronize()
    return buffer


# ---- Operators ----


def _attribute(name, value):
    made = _Attribute(name=name.encode(), count=1)
    if isinstance(value, (bool, int)):
        made.kind, data = 1, c_int64(value)
    elif isinstance(value, float):
        made.kind, data = 2, c_double(value)
    elif isinstance(value, (str, bytes)):
        raw = value.encode() if isinstance(value, str) else value
        made.kind, made.count, data = 3, len(raw), ctypes.create_string_buffer(raw)
    elif hasattr(value, "ctypes"):
        array = _numpy().ascontiguousarray(value)
        made.kind, data = 7, _describe(_number(array.dtype), array.shape, constant=array)
    else:
        values = list(value)
        made.count = len(values)
        if all(isinstance(one, (bool, int)) for one in values):
            made.kind, data = 4, (c_int64 * max(1, len(values)))(*values)
        elif all(isinstance(one, (int, float)) for one in values):
            made.kind, data = 5, (c_double * max(1, len(values)))(*values)
        else:
            made.kind, data = 6, (c_char_p * max(1, len(values)))(*[one.encode() for one in values])
    made.keep = data
    made.data = ctypes.addressof(data)
    return made


def _operand(value):
    """The description of an input; anything but a buffer is a constant."""
    if value is None:
        return None
    if isinstance(value, Buffer):
        return _describe(value._type, value.shape, value._strides)
    array = _numpy().ascontiguousarray(value)
    return _describe(_number(array.dtype), array.shape, constant=array)


def _inferred(device, described, count):
    tensors, rooms = [], []
    for _ in range(count):
        rooms.append((c_int64 * 128)())
        tensors.append(_InferredTensor(dims=cast(rooms[-1], POINTER(c_int64)), capacity=128))
    _heng().operator_infer(device.handle, byref(described), _pointers(tensors, _InferredTensor), count)
    return [(tensor.type, tuple(room[: tensor.rank])) for tensor, room in zip(tensors, rooms)]


def operator(name, inputs, attributes=None, outputs=1, domain="", version=0, device=None):
    """Runs one operator by its ONNX name and waits; gives its output, or a list of them.

    Buffers are data; arrays and numbers are constants, which operators such as Reshape need for shapes.
    """
    device = device or next((one.device for one in inputs if isinstance(one, Buffer)), None) or devices()[0]
    described_inputs = [_operand(one) for one in inputs]
    made = [_attribute(key, value) for key, value in (attributes or {}).items()]
    described = _OperatorDescription(
        domain=domain.encode(), name=name.encode(), version=version, input_count=len(inputs),
        attribute_count=len(made))
    described.inputs = cast(
        _pointers(described_inputs, _TensorDescription), POINTER(POINTER(_TensorDescription)))
    described.attributes = cast(_pointers(made, _Attribute), POINTER(POINTER(_Attribute)))
    types = _inferred(device, described, outputs)
    described_outputs = [_describe(number, shape) for number, shape in types]
    described.outputs = cast(
        _pointers(described_outputs, _TensorDescription), POINTER(POINTER(_TensorDescription)))
    described.output_count = outputs
    results = [Buffer._allocated(device.context, shape, number) for number, shape in types]
    _execute(device, described, inputs, results)
    return results[0] if outputs == 1 else results


def _execute(device, described, inputs, results):
    library, handle, info = _heng(), c_void_p(), _OperatorInfo()
    library.operator_prepare(device.context.handle, byref(described), byref(handle), byref(info))
    try:
        scratch = device.buffer(info.workspace_bytes, "uint8") if info.workspace_bytes else None
        # A constant that the operator does not keep goes to the device like any other input.
        ranges, kept = (_Range * max(1, len(inputs)))(), []
        for index, value in enumerate(inputs):
            if isinstance(value, Buffer):
                ranges[index] = value._range()
            elif value is not None and not info.kept_inputs >> index & 1:
                array = _numpy().ascontiguousarray(value)
                kept.append(device.buffer(array.shape, array.dtype))
                device.stream.copy(kept[-1], array)
                device.stream.synchronize()
                ranges[index] = kept[-1]._range()
        targets = (_Range * max(1, len(results)))(*[result._range() for result in results])
        library.operator_execute(
            handle, device.stream.handle, ranges, len(inputs), targets, len(results),
            byref(scratch._range()) if scratch else None, 0)
        device.stream.synchronize()
    finally:
        library.operator_destroy(handle)


# ---- Models ----

_DETERMINISM = ("none", "run", "threads", "batch", "devices")
_ACCUMULATION = ("standard", "float32", "float64", "fast")


def _level(names, given):
    if given not in names:
        raise ValueError(f"{given!r} is none of {', '.join(names)}")
    return names.index(given)


class Model:
    """A model from an ONNX file, a saved model, a folder of a model hub, or bytes.

    Where extents of inputs are open it is prepared for the shapes of each run, once for each. Results come again
    with the same bits as far as `determinism` says (none, run, threads, batch, devices), and sums are added up in
    `accumulation` at least (standard, float32, float64, or fast); a device that cannot raises an error.
    """

    def __init__(self, source, device=None, determinism="none", accumulation="standard"):
        self.device = device or devices()[0]
        self._determinism = _level(_DETERMINISM, determinism)
        self._accumulation = _level(_ACCUMULATION, accumulation)
        self._source = source if isinstance(source, bytes) else os.fspath(source)
        info = _ModelInfo()
        _heng().model_query(self.device.handle, byref(self._arguments()), byref(info))
        self.inputs = [self._signature(False, index) for index in range(info.input_count)]
        self.outputs = [self._signature(True, index)[0] for index in range(info.output_count)]
        self._loaded = {}
        if not info.dynamic:
            self._prepared(None)

    def _arguments(self, shapes=None):
        arguments = _ModelArguments(determinism=self._determinism, accumulation=self._accumulation)
        if isinstance(self._source, bytes):
            arguments.bytes, arguments.size = self._source, len(self._source)
        else:
            arguments.path = os.fsencode(self._source)
        if shapes is not None:
            described = [_describe(number, shape) for number, shape in shapes]
            arguments.keep = _pointers(described, _TensorDescription)
            arguments.inputs = cast(arguments.keep, POINTER(POINTER(_TensorDescription)))
            arguments.input_count = len(described)
        return arguments

    def _signature(self, is_output, index):
        """Name, type number and extents, None for open ones."""
        name, room = ctypes.create_string_buffer(1024), (c_int64 * 128)()
        tensor = _InferredTensor(dims=cast(room, POINTER(c_int64)), capacity=128)
        _heng().model_signature(
            self.device.handle, byref(self._arguments()), is_output, index, byref(tensor), name, len(name))
        known = tensor.rank <= 128
        shape = tuple(None if one < 0 else one for one in room[: tensor.rank]) if known else None
        return (name.value.decode(), tensor.type, shape)

    def _prepared(self, shapes):
        key = None if shapes is None else tuple(shapes)
        if key not in self._loaded:
            handle = c_void_p()
            _heng().model_load(self.device.context.handle, byref(self._arguments(shapes)), byref(handle))
            self._loaded[key] = _Loaded(handle.value, self.device.context)
        return self._loaded[key]

    def run(self, inputs):
        """Runs on arrays or buffers by the inputs' names; gives arrays by the outputs' names."""
        numpy, names = _numpy(), [name for name, _, _ in self.inputs]
        if set(inputs) != set(names):
            raise ValueError(f"the model takes {', '.join(names)}; given are {', '.join(inputs) or 'none'}")
        values = []
        for name, number, _ in self.inputs:
            value = inputs[name]
            values.append(value if isinstance(value, Buffer) else numpy.ascontiguousarray(value, _numpy_type(number)))
        shapes = [(number, tuple(value.shape)) for (_, number, _), value in zip(self.inputs, values)]
        loaded = self._loaded.get(None) or self._prepared(shapes)
        results = {}
        for name, (number, shape) in zip(self.outputs, loaded.outputs):
            results[name] = numpy.empty(shape, _numpy_type(number))
        ranges = (_Range * max(1, len(values)))(*[_range(value) for value in values])
        targets = (_Range * max(1, len(results)))(*[_range(value, True) for value in results.values()])
        _heng().model_run(loaded.handle, ranges, len(values), targets, len(results))
        return results

    def save(self, path):
        """Writes the prepared model to a file that Model reads; it must have been prepared for one shape."""
        if len(self._loaded) != 1:
            raise ValueError("the model is prepared for no shape, or for several; run it once first")
        _heng().model_save(next(iter(self._loaded.values())).handle, os.fsencode(path))


class _Loaded(_Owned):
    """A model prepared for one choice of shapes."""

    _close = "model_unload"

    def __init__(self, handle, context):
        self._handle, self._context, info = handle, context, _ModelInfo()
        _heng().model_describe(handle, byref(info))
        self.outputs = []
        for index in range(info.output_count):
            place = POINTER(_TensorDescription)()
            _heng().model_output(handle, index, byref(place))
            facts = place.contents
            shape = tuple(facts.dims[axis] for axis in range(facts.rank)) if facts.rank <= 128 else (-1,)
            if any(extent < 0 for extent in shape):
                raise HengError(
                    _MODEL_DYNAMIC, 0, "model_run", "The shapes of the model's outputs depend on values; Python "
                    "needs them before the run.")
            self.outputs.append((facts.type, shape))
