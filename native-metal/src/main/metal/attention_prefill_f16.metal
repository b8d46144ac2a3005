#include "attention.h"

// Sixteen entries read each key; their queries are as exact as the keys.
ATTENTION_KERNELS(attention_prefill_f16, half, half, 2)
