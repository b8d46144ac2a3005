#include "matmul.h"

EXPERT_MATMUL_KERNEL(q4_1)
