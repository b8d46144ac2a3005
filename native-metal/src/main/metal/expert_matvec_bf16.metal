#include "expert_matvec.h"

EXPERT_MATVEC_KERNEL(bf16)
