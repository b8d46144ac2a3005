#include "matmul.h"

MATMUL_KERNELS(f16)
