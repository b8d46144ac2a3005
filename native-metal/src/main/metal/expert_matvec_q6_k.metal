#include "expert_matvec.h"

EXPERT_MATVEC_KERNEL(q6_k)
