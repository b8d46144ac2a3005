#include "matmul.h"

EXPERT_MATMUL_KERNEL(q5_k)
