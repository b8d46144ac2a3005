#include "matmul.h"

EXPERT_MATMUL_KERNEL(q6_k)
