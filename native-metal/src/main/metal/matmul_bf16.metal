#include "matmul.h"

MATMUL_KERNELS(bf16)
