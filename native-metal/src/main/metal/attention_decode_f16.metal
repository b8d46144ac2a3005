#include "attention.h"

// A row has few entries: eight of them, in floats.
ATTENTION_KERNELS(attention_decode_f16, half, float, 1)
