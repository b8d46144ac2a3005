#include "matmul.h"

MATMUL_KERNELS(q5_0)
