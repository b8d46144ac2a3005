#include "matmul.h"

EXPERT_MATMUL_KERNEL(q2_k)
