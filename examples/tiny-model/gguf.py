"""Writes GGUF files, version 3: metadata and tensors in F16 and F32."""

import struct

import numpy as np

ALIGNMENT = 32
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
FORMATS = {UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}
TENSOR_TYPES = {np.dtype("float32"): 0, np.dtype("float16"): 1}


def string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def scalar(kind: int, value) -> bytes:
    return string(value) if kind == STRING else struct.pack(FORMATS[kind], value)


def write(path: str, metadata: list, tensors: list):
    """`metadata` is (key, type, value), a list value being an array of that type; `tensors` is (name, array), row-major."""
    header = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)))
    for key, kind, value in metadata:
        header += string(key)
        if isinstance(value, list):
            header += struct.pack("<IIQ", ARRAY, kind, len(value)) + b"".join(scalar(kind, element) for element in value)
        else:
            header += struct.pack("<I", kind) + scalar(kind, value)
    offset = 0
    for name, array in tensors:
        # The fastest dimension comes first.
        header += string(name) + struct.pack("<I", array.ndim) + struct.pack(f"<{array.ndim}Q", *reversed(array.shape))
        header += struct.pack("<IQ", TENSOR_TYPES[array.dtype], offset)
        offset += -(-array.nbytes // ALIGNMENT) * ALIGNMENT
    with open(path, "wb") as file:
        file.write(header + bytes(-len(header) % ALIGNMENT))
        for _, array in tensors:
            file.write(array.tobytes() + bytes(-array.nbytes % ALIGNMENT))
