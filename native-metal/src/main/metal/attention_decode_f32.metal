#include "attention.h"

// A row has few entries: eight of them, in floats.
ATTENTION_KERNELS(attention_decode_f32, float, float, 1)
