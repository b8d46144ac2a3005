#include "matmul.h"

MATMUL_KERNELS(q6_k)
