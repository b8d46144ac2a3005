#include "matmul.h"

MATMUL_KERNELS(q3_k)
