#include "matmul.h"

MATMUL_KERNELS(q4_1)
