#include "matmul.h"

MATMUL_KERNELS(q8_0)
