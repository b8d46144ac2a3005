#include "matvec.h"

MATVEC_KERNEL(q6_k)
