#include "matmul.h"

EXPERT_MATMUL_KERNEL(q3_k)
