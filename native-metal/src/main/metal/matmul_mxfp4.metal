#include "matmul.h"

MATMUL_KERNELS(mxfp4)
