#include "expert_matvec.h"

EXPERT_MATVEC_KERNEL(q5_1)
