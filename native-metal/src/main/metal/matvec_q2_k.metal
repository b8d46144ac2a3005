#include "matvec.h"

MATVEC_KERNEL(q2_k)
