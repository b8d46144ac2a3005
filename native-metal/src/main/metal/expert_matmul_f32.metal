#include "matmul.h"

EXPERT_MATMUL_KERNEL(f32)
