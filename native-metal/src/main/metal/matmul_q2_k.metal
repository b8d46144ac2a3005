#include "matmul.h"

MATMUL_KERNELS(q2_k)
