#include "matmul.h"

EXPERT_MATMUL_KERNEL(iq4_nl)
