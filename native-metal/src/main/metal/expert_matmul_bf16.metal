#include "matmul.h"

EXPERT_MATMUL_KERNEL(bf16)
