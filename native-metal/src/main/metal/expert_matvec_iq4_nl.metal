#include "expert_matvec.h"

EXPERT_MATVEC_KERNEL(iq4_nl)
