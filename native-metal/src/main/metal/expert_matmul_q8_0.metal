#include "matmul.h"

EXPERT_MATMUL_KERNEL(q8_0)
