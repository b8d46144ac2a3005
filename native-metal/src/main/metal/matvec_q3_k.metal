#include "matvec.h"

MATVEC_KERNEL(q3_k)
