#include "matmul.h"

EXPERT_MATMUL_KERNEL(mxfp4)
